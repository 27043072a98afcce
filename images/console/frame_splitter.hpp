// SPDX-License-Identifier: Apache-2.0
// FrameSplitter: takes the bytes of the UART in pieces of any size and hands on the streams that
// hv/abi/uart_frame.hpp wove together. Keeps nothing but the header being read; never fails: what
// is not a frame is firmware output. Does not look into payloads.
#pragma once

#include "hv/abi/uart_frame.hpp"

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

namespace images {

// Who speaks: a source and its channel.
struct UartStream {
    uint8_t source = 0;
    uint8_t channel = 0;
    friend constexpr auto operator<=>(UartStream, UartStream) = default;
};

class FrameSplitter {
  public:
    // No source: bytes outside of a frame. A payload may arrive in several calls.
    using Sink = std::function<void(std::optional<UartStream> from, std::string_view bytes)>;

    explicit FrameSplitter(Sink sink);

    void feed(std::string_view bytes);
    // Frame starts that no valid header followed; they went out as bytes outside of a frame.
    [[nodiscard]] size_t malformed_count() const { return malformed_; }
    // The stream stopped in the middle of a frame.
    [[nodiscard]] bool is_within_frame() const { return header_used_ > 0 || payload_left_ > 0; }

  private:
    size_t feed_outside(std::string_view bytes);
    void feed_header(char c);
    size_t feed_payload(std::string_view bytes);
    void reject_header();
    void finish_header();

    Sink sink_;
    std::array<char, hv::abi::uart_frame_header_bytes> header_{};
    size_t header_used_ = 0;
    size_t payload_left_ = 0;
    UartStream from_{};
    size_t malformed_ = 0;
};

}  // namespace images
