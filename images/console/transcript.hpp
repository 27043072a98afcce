// SPDX-License-Identifier: Apache-2.0
// Transcript: everything one boot says on its UART, put in order: bytes per stream for the log
// files, lines for a reader, the launch record, evidence. Fed with bytes as they arrive; opens no
// file and no terminal, the listener does.
#pragma once

#include "images/console/evidence.hpp"
#include "images/console/frame_splitter.hpp"
#include "images/console/launch_record.hpp"
#include "images/console/lines.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace images {

// What Transcript tells while it reads. A stream is named "firmware", "hv", "record", "domB" or as
// its domain is, unless that is one of those four: then "domain-N". Channels beside a domain's
// console are not streams here: only the peer gets them.
struct TranscriptListener {
    virtual ~TranscriptListener() = default;
    // Every byte of every stream, as it came.
    virtual void on_bytes(std::string_view stream, std::string_view bytes) = 0;
    // A line for a reader, not yet made printable; evidence and the record are left out.
    virtual void on_line(std::string_view stream, std::string_view line) = 0;
    virtual void on_event(const RecordEvent& event) = 0;
};

// Who stands at the other end of the domains' consoles and channels: what comes out there, and how
// much may go in. `from` is a domain's, by its id.
struct ConsolePeer {
    virtual ~ConsolePeer() = default;
    virtual void on_output(UartStream from, std::string_view bytes) = 0;
    // So many bytes more than before.
    virtual void on_room(UartStream to, size_t bytes) = 0;
};

class Transcript {
  public:
    // `peer` may be null.
    explicit Transcript(TranscriptListener& listener, ConsolePeer* peer = nullptr);

    void feed(std::string_view bytes);
    // The UART is silent for good: hands on the last lines.
    void finish();

    [[nodiscard]] const LaunchRecord& record() const { return record_; }
    // Blocks that came from this domain; null when it printed nothing.
    [[nodiscard]] const EvidenceExtractor* evidence(uint16_t domid) const;
    // Who spoke last, and its last line that was not empty.
    [[nodiscard]] const std::string& last_stream() const { return last_stream_; }
    [[nodiscard]] std::string last_line(std::string_view stream) const;
    [[nodiscard]] std::string stream_of_domain(uint16_t domid) const;
    [[nodiscard]] size_t malformed_frame_count() const { return splitter_.malformed_count(); }

  private:
    struct Stream {
        std::string name;
        LineSplitter lines;
        EvidenceExtractor evidence{};
        std::string last_line{};
    };
    void take(std::optional<UartStream> from, std::string_view bytes);
    void take_room(std::string_view bytes);
    void take_line(Stream& stream, bool is_record, std::string_view line);
    Stream& stream_of(std::optional<uint8_t> source);
    [[nodiscard]] std::string name_of(std::optional<uint8_t> source) const;

    TranscriptListener& listener_;
    ConsolePeer* peer_;
    std::string room_;  // of a frame that has not come whole
    LaunchRecord record_;
    std::map<std::optional<uint8_t>, Stream> streams_;
    std::string last_stream_;
    FrameSplitter splitter_;
};

}  // namespace images
