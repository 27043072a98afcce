// SPDX-License-Identifier: Apache-2.0
// LinePattern: finds a text within a line of a stream of bytes that comes in pieces of any size.
// Looks at each byte once. Each domain's bytes are its own, so there is nothing to believe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace console {

class LinePattern {
  public:
    static constexpr size_t max_bytes = 127;

    constexpr LinePattern() = default;
    // `text` is 1 to max_bytes long. One with a line's end in it is never found.
    explicit LinePattern(std::string_view text);

    // True once the text has come.
    bool see(std::string_view bytes);
    // Bytes are missing here: the line is another one.
    void see_gap() { matched_ = 0; }

  private:
    std::array<char, max_bytes> text_{};
    // Of text_[0..n): the longest of its beginnings, shorter than it, that is also its end.
    std::array<uint8_t, max_bytes + 1> border_{};
    uint8_t size_ = 0;
    uint8_t matched_ = 0;
};

}  // namespace console
