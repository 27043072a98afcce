// SPDX-License-Identifier: Apache-2.0
// What the host sends to the UART. An interrupt says that something has come; the run loop takes it
// into a bounded buffer, from which the console service reads. When the buffer is full, the UART
// keeps the rest, and the host waits: nothing is lost where the line has flow control, as QEMU's.
#pragma once

#include <cstddef>
#include <span>

namespace hv::dev {

// The UART's interrupt, once somebody takes it.
void uart_start_input();
// From the UART into the buffer; true if there is anything in it.
bool uart_take_input();
// The oldest bytes out of the buffer, as many as fit; how many that were.
size_t uart_read_input(std::span<char> to);

}  // namespace hv::dev
