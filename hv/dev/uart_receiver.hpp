// SPDX-License-Identifier: Apache-2.0
// UartReceiver: the receiving half of a 16550, and what of its bytes nobody has read yet. When the
// buffer is full it turns the interrupt off and leaves the rest with the UART, until somebody
// reads. Used by uart_input.cpp; no lock of its own. The ports are an argument, for tests.
#pragma once

#include "hv/dev/byte_queue.hpp"
#include "hv/dev/uart_registers.hpp"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

namespace hv::dev {

template <class P>
concept PortAccess = requires(P ports, uint16_t port, uint8_t value) {
    { ports.in(port) } -> std::same_as<uint8_t>;
    ports.out(port, value);
};

template <PortAccess Ports, size_t Capacity>
class UartReceiver {
  public:
    constexpr UartReceiver() = default;
    constexpr explicit UartReceiver(Ports ports) : ports_{ports} {}

    // The interrupt, once somebody takes it.
    void start() {
        ports_.out(com1 + MCR, mcr_dtr_rts | mcr_out2);
        ports_.out(com1 + IER, ier_data_available);
    }

    // From the UART into the buffer; true if there is anything in it. A UART that is not there
    // reads as ones, which is no data, and no more than fits is taken.
    bool take() {
        while (!waiting_.full()) {
            const uint8_t status = ports_.in(com1 + LSR);
            if (status == 0xff || (status & lsr_data_ready) == 0) {
                return !waiting_.empty();
            }
            waiting_.push(static_cast<char>(ports_.in(com1 + RBR)));
        }
        is_held_up_ = true;
        ports_.out(com1 + IER, 0);
        return true;
    }

    // The oldest bytes out of the buffer, as many as fit; how many that were.
    size_t read(std::span<char> to) {
        const size_t count = waiting_.pop(to);
        if (is_held_up_ && !waiting_.full()) {
            is_held_up_ = false;
            // Data that waits there raises the interrupt anew.
            ports_.out(com1 + IER, ier_data_available);
        }
        return count;
    }

  private:
    [[no_unique_address]] Ports ports_{};
    ByteQueue<Capacity> waiting_{};
    bool is_held_up_ = false;  // the buffer was full: the UART's interrupt is off
};

}  // namespace hv::dev
