// SPDX-License-Identifier: Apache-2.0
#include "hv/dev/uart.hpp"

#include "hv/abi/uart_frame.hpp"
#include "hv/base/spinlock.hpp"
#include "hv/base/text.hpp"
#include "hv/dev/uart_registers.hpp"
#include "hv/x86/instructions.hpp"

#include <algorithm>
#include <atomic>

namespace hv::dev {

namespace {

constexpr size_t fifo_bytes = 16;

constinit Spinlock uart_lock;
constinit std::atomic<bool> is_ready{false};
constinit std::atomic<bool> lock_broken{false};

void write_bytes(std::span<const char> bytes) {
    while (!bytes.empty()) {
        // Bounded: a UART that never drains must not hang the machine.
        for (unsigned spin = 0; spin < 1'000'000; ++spin) {
            if ((x86::inb(com1 + LSR) & lsr_thr_empty) != 0) {
                break;
            }
        }
        const size_t n = std::min(bytes.size(), fifo_bytes);
        x86::outsb(com1 + THR, bytes.data(), n);
        bytes = bytes.subspan(n);
    }
}

void write_frame_locked(uint8_t source, uint8_t channel, std::span<const char> payload) {
    do {
        const size_t n = std::min(payload.size(), abi::uart_frame_max_payload);
        TextOf<abi::uart_frame_header_bytes> header;
        header.put(abi::uart_frame_start).hex(source, 2).hex(channel, 1).hex(n, 4);
        write_bytes(header.view());
        write_bytes(payload.first(n));
        payload = payload.subspan(n);
    } while (!payload.empty());
}

}  // namespace

void uart_init() {
    x86::outb(com1 + IER, 0);
    x86::outb(com1 + LCR, 0x80);  // divisor latch
    x86::outb(com1 + THR, 1);     // 115200 baud
    x86::outb(com1 + IER, 0);
    x86::outb(com1 + LCR, 0x03);  // 8N1
    x86::outb(com1 + FCR, 0x07);  // enable and clear FIFOs
    x86::outb(com1 + MCR, mcr_dtr_rts);
    is_ready.store(true, std::memory_order_release);
}

void uart_write_frame(uint8_t source, std::span<const char> payload, uint8_t channel) {
    if (!is_ready.load(std::memory_order_acquire)) {
        return;
    }
    if (lock_broken.load(std::memory_order_relaxed)) {
        write_frame_locked(source, channel, payload);
        return;
    }
    const LockGuard guard{uart_lock};
    write_frame_locked(source, channel, payload);
}

void uart_break_lock() {
    lock_broken.store(true, std::memory_order_relaxed);
}

}  // namespace hv::dev
