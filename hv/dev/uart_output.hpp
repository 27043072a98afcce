// SPDX-License-Identifier: Apache-2.0
// UartOutput: frames (hv/abi/uart_frame.hpp) on their way to a UART. Whoever has something to say
// leaves it here and goes on: the UART gets what it takes at once, and the rest later, by pump().
// When nobody reads what it sends, frames are dropped, each whole, and how much that was is told as
// soon as there is room. No lock of its own. A Port is
//     bool is_ready(): it takes fifo_bytes now;  void write(span);  uint64_t now_ns()
#pragma once

#include "hv/abi/uart_frame.hpp"
#include "hv/base/assert.hpp"
#include "hv/base/text.hpp"
#include "hv/dev/byte_queue.hpp"
#include "hv/dev/uart_sender.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace hv::dev {

struct UartFrame {
    uint8_t source = 0;
    uint8_t channel = 0;
    std::span<const char> payload;
};

template <class Port, size_t Capacity>
class UartOutput {
  public:
    static constexpr size_t fifo_bytes = 16;
    static constexpr size_t max_payload = 1024;
    // Room that guests leave to the hypervisor's own frames.
    static constexpr size_t reserve = Capacity / 4;
    // Room that is asked for whatever a frame's size, or those who send many short ones would keep
    // long ones out; and guests leave as much to services.
    static constexpr size_t longest = abi::uart_frame_header_bytes + max_payload;
    static_assert(reserve + 2 * longest <= Capacity);
    // No call takes longer, but for what one write takes.
    static constexpr uint64_t pump_ns = 2'000'000;
    // Guests wait for a UART that takes something now and then, and not for one that does not.
    static constexpr uint64_t patience_ns = 1'000'000'000;

    constexpr UartOutput() = default;
    explicit UartOutput(Port port) : port_{port} {}

    // A frame of the hypervisor, which cannot wait.
    void put(const UartFrame& frame) {
        tell_loss();
        if (!push(frame, abi::uart_frame_header_bytes + frame.payload.size())) {
            lost_ += frame.payload.size();
        }
        pump();
    }

    // A frame of a domain. False: there is no room; try again later.
    [[nodiscard]] bool offer(const UartFrame& frame, UartSender sender) {
        const uint64_t start = port_.now_ns();
        pump(start);
        tell_loss();
        if (!push(frame, reserve + (sender == UartSender::Service ? 1 : 2) * longest)) {
            if (stuck_ns() < patience_ns) {
                return false;
            }
            lost_ += frame.payload.size();
        }
        pump(start);
        return true;
    }

    // Gives the UART what it takes without being waited for.
    void pump() { pump(port_.now_ns()); }

    [[nodiscard]] bool empty() const { return queue_.empty(); }
    // For how long it has taken nothing of what waits.
    [[nodiscard]] uint64_t stuck_ns() const {
        return queue_.empty() ? 0 : port_.now_ns() - moved_ns_;
    }

  private:
    bool push(const UartFrame& frame, size_t room) {
        ASSERT(frame.payload.size() <= max_payload);
        if (queue_.room() < room) {
            return false;
        }
        if (queue_.empty()) {
            moved_ns_ = port_.now_ns();
        }
        TextOf<abi::uart_frame_header_bytes> header;
        header.put(abi::uart_frame_start).hex(frame.source, 2).hex(frame.channel, 1);
        header.hex(frame.payload.size(), 4);
        queue_.push(header.view());
        queue_.push(frame.payload);
        return true;
    }

    void pump(uint64_t start) {
        drain(start);
        if (queue_.empty() && lost_ != 0) {
            tell_loss();
            drain(start);
        }
    }

    void drain(uint64_t start) {
        while (!queue_.empty() && port_.is_ready()) {
            std::array<char, fifo_bytes> bytes;
            const size_t count = queue_.pop(bytes);
            port_.write(std::span{bytes}.first(count));
            moved_ns_ = port_.now_ns();
            if (moved_ns_ - start >= pump_ns) {
                return;
            }
        }
    }

    void tell_loss() {
        if (lost_ == 0) {
            return;
        }
        TextOf<80> text;
        text.put("nobody has read the UART: ").dec(lost_).put(" bytes are lost\n");
        constexpr auto source = static_cast<uint8_t>(abi::UartSource::Hypervisor);
        if (push({.source = source, .channel = 0, .payload = text.view()}, reserve + 2 * longest)) {
            lost_ = 0;
        }
    }

    Port port_{};
    ByteQueue<Capacity> queue_{};
    uint64_t moved_ns_ = 0;  // when the UART took something, or what waits began to wait
    uint64_t lost_ = 0;      // bytes not told of yet
};

}  // namespace hv::dev
