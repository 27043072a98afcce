// SPDX-License-Identifier: Apache-2.0
// What the hypervisor says: text for people, lines of the launch record for `gantry boot`, and its
// last words.
#pragma once

#include "hv/base/text.hpp"

#include <cstdint>
#include <string_view>

namespace hv::dev {

// One line for people; the line end is added.
void log(std::string_view line);

// One line of the launch record (ARCHITECTURE.md): `t_ns=… event=NAME ` is put in front.
class Record {
  public:
    explicit Record(std::string_view event);
    ~Record();  // writes the line
    Record(const Record&) = delete;
    Record& operator=(const Record&) = delete;

    Record& with(std::string_view key, uint64_t value);
    // Bytes outside [!-~] and '%' are percent-encoded.
    Record& with(std::string_view key, std::string_view value);

  private:
    TextOf<640> text_;
};

// A line of the launch record from domB or the launcher, without its time: `event=… key=value …`.
// Control characters are replaced, so that one call is one line.
void write_record_line(std::string_view line);

// Ends the machine after a failure of the hypervisor itself: stops the other CPUs, writes the
// message and halts or powers off with status `failed`.
[[noreturn]] void stop(std::string_view message);
bool is_stopping();

}  // namespace hv::dev
