// SPDX-License-Identifier: Apache-2.0
// InputFrames: takes apart what the host sends (hv/abi/uart_frame.hpp), in pieces of any size. What
// is not a frame is dropped.
#pragma once

#include "hv/abi/uart_frame.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace console {

class InputFrames {
  public:
    struct Piece {
        uint8_t domain = 0;
        uint8_t channel = 0;
        std::string_view bytes{};  // of the caller's; a payload may come in several pieces
    };
    // The next piece, which it is taken off with all before it; nothing once all is taken.
    std::optional<Piece> next(std::string_view& bytes);

  private:
    void take_header(char c);

    static constexpr size_t digits = hv::abi::uart_frame_header_bytes - 1;
    bool is_in_header_ = false;
    size_t digits_taken_ = 0;
    uint32_t header_ = 0;
    size_t payload_left_ = 0;
    Piece piece_{};
};

}  // namespace console
