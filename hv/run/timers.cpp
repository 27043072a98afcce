// SPDX-License-Identifier: Apache-2.0
#include "hv/run/timers.hpp"

#include "hv/dev/clock.hpp"
#include "hv/dev/uart.hpp"
#include "hv/event/event_channels.hpp"
#include "hv/hvm/interrupts.hpp"
#include "hv/hvm/lapic.hpp"
#include "hv/launch/phase.hpp"
#include "hv/sched/sched.hpp"
#include "hv/x86/apic.hpp"
#include "hv/x86/cpu_local.hpp"

#include <algorithm>

namespace hv::run {

namespace {

void fire(sched::Timer& timer) {
    domain::Vcpu& v = *timer.vcpu;
    switch (timer.kind) {
        case sched::TimerKind::Singleshot:
            event::send_virq(v, abi::Virq::VIRQ_TIMER);
            break;
        case sched::TimerKind::Poll:
            sched::wake(v);
            break;
        case sched::TimerKind::Lapic:
            v.lapic->note_timer_due();  // the vCPU may be on another CPU by now
            sched::wake(v);
            break;
    }
}

void fire_expired(CpuId cpu) {
    const uint64_t now = sched::now_ns();
    while (sched::Timer* timer = sched::pop_expired(cpu, now)) {
        fire(*timer);
    }
}

// The earlier of two deadlines; 0: there is none.
uint64_t earlier(uint64_t a, uint64_t b) {
    return a == 0 || b == 0 ? std::max(a, b) : std::min(a, b);
}

// What this CPU has to wake up for next.
uint64_t next_deadline(CpuId cpu) {
    const uint64_t of_all = earlier(hyperlaunch::reap_deadline_ns(), dev::uart_deadline_ns());
    return earlier(sched::next_deadline(cpu), of_all);
}

// After the timer interrupt nothing is armed, whatever was asked for.
void note_timer_fired() {
    x86::CpuLocal& local = x86::this_cpu();
    if (local.timer_deadline_ns != 0 && local.timer_deadline_ns <= sched::now_ns()) {
        local.timer_deadline_ns = 0;
    }
    if (local.timer_deadline_ns != 0 && x86::apic_timer_left() == 0) {
        local.timer_deadline_ns = 0;  // a shortened wait is over
    }
}

}  // namespace

void serve_timers(CpuId cpu, domain::Vcpu* running) {
    fire_expired(cpu);
    dev::uart_pump();
    note_timer_fired();
    if (running != nullptr) {
        hvm::expire_timer(*running);
    }
}

void arm_host_timer(CpuId cpu) {
    x86::CpuLocal& local = x86::this_cpu();
    const uint64_t deadline = next_deadline(cpu);
    if (deadline == local.timer_deadline_ns) {
        return;
    }
    local.timer_deadline_ns = deadline;
    if (deadline == 0) {
        x86::apic_timer_start(0);
        return;
    }
    const uint64_t now = sched::now_ns();
    const uint64_t ns = deadline > now ? deadline - now : 0;
    constexpr uint64_t longest_ns = 1'000'000'000;  // look again then; ticks fit 32 bits
    const uint64_t ticks = std::min(ns, longest_ns) * (dev::apic_timer_hz() / 1000) / 1'000'000;
    x86::apic_timer_start(static_cast<uint32_t>(std::clamp<uint64_t>(ticks, 1, ~0U)));
}

bool is_reaping_due() {
    const uint64_t deadline = hyperlaunch::reap_deadline_ns();
    return deadline != 0 && deadline <= sched::now_ns();
}

}  // namespace hv::run
