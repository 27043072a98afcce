// SPDX-License-Identifier: Apache-2.0
// The 16550 UART that the hypervisor owns for good (COM1): output, polled, in the frames of
// hv/abi/uart_frame.hpp. Input is in uart_input.hpp.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace hv::dev {

// 115200 8N1 with FIFOs. Before this, writes go nowhere.
void uart_init();

// One frame (or several, if the payload is longer than a frame can be). Callable from every CPU.
void uart_write_frame(uint8_t source, std::span<const char> payload, uint8_t channel = 0);

// For a machine that is stopping: takes the UART even if another CPU holds it.
void uart_break_lock();

}  // namespace hv::dev
