// SPDX-License-Identifier: Apache-2.0
// BootOutput: where the streams of one boot go. Raw bytes into files below one directory
// (console/NAME.log per domain, hv.log, record.log, firmware.log), lines with the speaker's name in
// front to the reader, and the time at which each event and mark arrived.
#pragma once

#include "images/console/transcript.hpp"
#include "images/qemu/failure.hpp"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iosfwd>
#include <map>
#include <string>
#include <vector>

namespace images {

class BootOutput : public TranscriptListener {
  public:
    struct Options {
        std::ostream* lines = nullptr;  // for the reader; null: nobody reads
        size_t lines_per_stream = ~size_t{0};
        bool firmware = false;  // show what the firmware prints, too
        size_t columns = 0;     // of the reader's terminal; 0: lines may be of any length
    };
    using Time = std::chrono::steady_clock::time_point;
    // A line that begins with "gantry-" and when it arrived.
    struct Mark {
        Time arrived{};
        std::string stream;
        std::string line;
    };
    // Files larger than this are not continued.
    static constexpr size_t max_log_bytes = size_t{64} << 20;
    // Of each stream; further marks are only counted.
    static constexpr size_t max_marks = 1000;
    static constexpr size_t max_mark_bytes = size_t{256} << 10;

    // Removes what an earlier boot left in `directory`.
    static Outcome<BootOutput> create(const std::filesystem::path& directory, Options options);

    void on_bytes(std::string_view stream, std::string_view bytes) override;
    void on_line(std::string_view stream, std::string_view line) override;
    void on_event(const RecordEvent& event) override;

    // One per event of the record, in the same order.
    [[nodiscard]] const std::vector<Time>& event_arrivals() const { return event_arrivals_; }
    // Of all streams, as they arrived.
    [[nodiscard]] const std::vector<Mark>& marks() const { return marks_; }
    // How many are not among them, by stream. Of streams that had too many.
    [[nodiscard]] std::map<std::string, size_t> dropped_marks() const;
    [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }
    // `text` as one or more lines for the reader, on the terminal that the options tell of. Further
    // rows begin with blanks and a '+'.
    void write_rows(std::ostream& to, const std::string& head, std::string_view text) const;
    // Stores what the CPUs of a machine that stood still had in their registers, if anything.
    void write_registers(const std::string& text) const;
    // Stores evidence/NAME.
    Outcome<void> write_evidence(const std::string& name, const std::string& bytes) const;

  private:
    struct Log {
        std::ofstream file;
        size_t bytes = 0;
        size_t lines = 0;
        size_t marks = 0;
        size_t mark_bytes = 0;
        size_t dropped_marks = 0;
    };
    BootOutput(std::filesystem::path directory, Options options)
        : directory_{std::move(directory)}, options_{options} {}
    Log& log_of(std::string_view stream);
    void keep_mark(Log& log, std::string_view stream, std::string_view line);

    std::filesystem::path directory_;
    Options options_;
    std::map<std::string, Log, std::less<>> logs_;
    std::vector<Time> event_arrivals_;
    std::vector<Mark> marks_;
};

// `name` as the name of a file in the current directory, whatever it holds. Domains' and channels'
// names, which the manifest allows, are what they are, so no two have one file.
std::string safe_file_name(std::string_view name);

}  // namespace images
