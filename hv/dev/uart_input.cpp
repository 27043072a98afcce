// SPDX-License-Identifier: Apache-2.0
#include "hv/dev/uart_input.hpp"

#include "hv/base/spinlock.hpp"
#include "hv/dev/uart_receiver.hpp"
#include "hv/x86/instructions.hpp"

namespace hv::dev {

namespace {

struct MachinePorts {
    static uint8_t in(uint16_t port) { return x86::inb(port); }
    static void out(uint16_t port, uint8_t value) { x86::outb(port, value); }
};

constinit Spinlock input_lock;  // innermost
constinit UartReceiver<MachinePorts, 4096> receiver{};

}  // namespace

void uart_start_input() {
    const LockGuard guard{input_lock};
    receiver.start();
}

bool uart_take_input() {
    const LockGuard guard{input_lock};
    return receiver.take();
}

size_t uart_read_input(std::span<char> to) {
    const LockGuard guard{input_lock};
    return receiver.read(to);
}

}  // namespace hv::dev
