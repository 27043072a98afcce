// SPDX-License-Identifier: Apache-2.0
#include "hv/dev/uart_input.hpp"

#include "hv/base/spinlock.hpp"
#include "hv/dev/byte_queue.hpp"
#include "hv/dev/uart_registers.hpp"
#include "hv/x86/instructions.hpp"

namespace hv::dev {

namespace {

constinit Spinlock input_lock;  // innermost
constinit ByteQueue<4096> input{};
constinit bool is_held_up = false;  // the buffer was full: the UART's interrupt is off

// A UART that is not there reads as ones, which is no data, and no more than fits is taken.
void take_locked() {
    while (!input.full()) {
        const uint8_t status = x86::inb(com1 + LSR);
        if (status == 0xff || (status & lsr_data_ready) == 0) {
            return;
        }
        input.push(static_cast<char>(x86::inb(com1 + RBR)));
    }
    is_held_up = true;
    x86::outb(com1 + IER, 0);
}

}  // namespace

void uart_start_input() {
    const LockGuard guard{input_lock};
    x86::outb(com1 + MCR, mcr_dtr_rts | mcr_out2);
    x86::outb(com1 + IER, ier_data_available);
}

bool uart_take_input() {
    const LockGuard guard{input_lock};
    take_locked();
    return !input.empty();
}

size_t uart_read_input(std::span<char> to) {
    const LockGuard guard{input_lock};
    const size_t count = input.pop(to);
    if (is_held_up && !input.full()) {
        is_held_up = false;
        // Data that waits there raises the interrupt anew.
        x86::outb(com1 + IER, ier_data_available);
    }
    return count;
}

}  // namespace hv::dev
