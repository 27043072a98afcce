// SPDX-License-Identifier: Apache-2.0
// The 16550 UART that the hypervisor owns for good (COM1): output, polled, in the frames of
// hv/abi/uart_frame.hpp. Nobody waits for whoever reads it: uart_output.hpp has what happens when
// nobody does. Input is in uart_input.hpp. Callable from every CPU.
#pragma once

#include "hv/dev/uart_sender.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace hv::dev {

// 115200 8N1 with FIFOs. Before this, writes go nowhere.
void uart_init();

// One frame of the hypervisor's own, and one of a domain; at most 1024 bytes. A domain's may find
// no room: then false, and it is to try again.
void uart_write_frame(uint8_t source, std::span<const char> payload);
[[nodiscard]] bool uart_offer_frame(uint8_t source, uint8_t channel, std::span<const char> payload,
                                    UartSender sender);

// When uart_pump is to be called, on any CPU, for what the UART has not taken yet. 0: nothing
// waits.
uint64_t uart_deadline_ns();
void uart_pump();

// Before the machine goes off: waits until everything is out, or nobody has read for a minute.
void uart_flush();

// For a machine that is stopping: takes the UART even if another CPU holds it.
void uart_break_lock();

}  // namespace hv::dev
