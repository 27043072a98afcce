// SPDX-License-Identifier: Apache-2.0
#include "hv/dev/uart.hpp"

#include "hv/base/spinlock.hpp"
#include "hv/dev/clock.hpp"
#include "hv/dev/uart_output.hpp"
#include "hv/dev/uart_registers.hpp"
#include "hv/x86/cpu_local.hpp"
#include "hv/x86/instructions.hpp"

#include <atomic>
#include <optional>

namespace hv::dev {

namespace {

struct Com1 {
    static bool is_ready() { return (x86::inb(com1 + LSR) & lsr_thr_empty) != 0; }
    static void write(std::span<const char> bytes) {
        x86::outsb(com1 + THR, bytes.data(), bytes.size());
    }
    static uint64_t now_ns() { return system_time_ns(); }
};

constinit Spinlock uart_lock;
constinit UartOutput<Com1, 32 << 10> output{};
constinit std::atomic<uint64_t> deadline_ns{0};
constinit std::atomic<bool> is_ready{false};
constinit std::atomic<bool> lock_broken{false};

// The lock, unless the machine is stopping.
class Taken {
  public:
    Taken() {
        if (!lock_broken.load(std::memory_order_relaxed)) {
            guard_.emplace(uart_lock);
        }
    }
    // What is left is somebody's work: this CPU's, unless another one comes first.
    ~Taken() {
        const uint64_t now = system_time_ns();
        if (output.empty() || now == 0) {
            deadline_ns.store(0, std::memory_order_relaxed);
            return;
        }
        constexpr uint64_t interval_ns = 1'000'000;
        deadline_ns.store(now + interval_ns, std::memory_order_relaxed);
        x86::this_cpu().was_interrupted = true;  // the run loop arms its timer
    }
    Taken(const Taken&) = delete;
    Taken& operator=(const Taken&) = delete;

  private:
    std::optional<LockGuard> guard_{};
};

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

void uart_write_frame(uint8_t source, std::span<const char> payload) {
    if (is_ready.load(std::memory_order_acquire)) {
        const Taken taken;
        output.put({.source = source, .channel = 0, .payload = payload});
    }
}

bool uart_offer_frame(uint8_t source, uint8_t channel, std::span<const char> payload,
                      UartSender sender) {
    const Taken taken;
    return output.offer({.source = source, .channel = channel, .payload = payload}, sender);
}

uint64_t uart_deadline_ns() {
    return deadline_ns.load(std::memory_order_relaxed);
}

void uart_pump() {
    uint64_t due = uart_deadline_ns();
    if (due == 0 || due > system_time_ns() || !deadline_ns.compare_exchange_strong(due, 0)) {
        return;
    }
    const Taken taken;
    output.pump();
}

void uart_flush() {
    constexpr uint64_t patience_ns = 60'000'000'000;
    constexpr unsigned most_turns_without_clock = 1'000'000;
    const Taken taken;
    for (unsigned turns = 0; !output.empty() && output.stuck_ns() < patience_ns; ++turns) {
        if (turns == most_turns_without_clock && system_time_ns() == 0) {
            return;
        }
        output.pump();
    }
}

void uart_break_lock() {
    lock_broken.store(true, std::memory_order_relaxed);
}

}  // namespace hv::dev
