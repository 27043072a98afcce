// SPDX-License-Identifier: Apache-2.0
// LineSplitter: cuts one stream of bytes into lines of bounded length. printable: makes a line that
// an untrusted guest wrote harmless for a terminal. Used for every stream of the UART.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace images {

class LineSplitter {
  public:
    // Longer lines arrive in several parts.
    static constexpr size_t max_line_bytes = 4096;
    // A line without its end ("\n", with any number of "\r" before it).
    using Sink = std::function<void(std::string_view line)>;

    explicit LineSplitter(Sink sink);

    void feed(std::string_view bytes);
    // Hands on what came after the last line end.
    void finish();

  private:
    void emit();

    Sink sink_;
    std::string line_;
};

// Everything but printable ASCII and tabs as \xNN: no escape sequence of a guest reaches the
// terminal, and no byte is lost.
std::string printable(std::string_view text);

// What is printable, in rows that a terminal of that width does not wrap: a guest's line must not
// go on where another speaker's would begin. Tabs become blanks. At least one row.
std::vector<std::string> to_rows(std::string_view text, size_t width);

}  // namespace images
