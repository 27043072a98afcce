// SPDX-License-Identifier: Apache-2.0
#include "hv/run/run_loop.hpp"

#include "hv/base/assert.hpp"
#include "hv/dev/clock.hpp"
#include "hv/dev/log.hpp"
#include "hv/domain/domain.hpp"
#include "hv/domain/tlb.hpp"
#include "hv/event/event_channels.hpp"
#include "hv/hvm/interrupts.hpp"
#include "hv/hvm/ipi.hpp"
#include "hv/hvm/lapic.hpp"
#include "hv/hypercall/runstate.hpp"
#include "hv/launch/phase.hpp"
#include "hv/run/exits.hpp"
#include "hv/sched/sched.hpp"
#include "hv/svm/svm.hpp"
#include "hv/x86/apic.hpp"
#include "hv/x86/cpu_local.hpp"
#include "hv/x86/instructions.hpp"

#include <algorithm>
#include <array>

namespace hv::domain {
Vcpu& current() {
    Vcpu* v = x86::this_cpu().current;
    ASSERT(v != nullptr);
    return *v;
}
}  // namespace hv::domain

namespace hv::run {

using namespace hvm;  // this folder is the top of it

namespace {

constinit std::array<const domain::Domain*, x86::max_cpus> last_domain{};

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

// What this CPU has to wake up for next; 0: nothing.
uint64_t next_deadline(CpuId cpu) {
    const uint64_t timers = sched::next_deadline(cpu);
    const uint64_t reaping = hyperlaunch::reap_deadline_ns();
    return timers == 0 || reaping == 0 ? std::max(timers, reaping) : std::min(timers, reaping);
}

bool is_reaping_due() {
    const uint64_t deadline = hyperlaunch::reap_deadline_ns();
    return deadline != 0 && deadline <= sched::now_ns();
}

// Programs the APIC timer for the next deadline, if that changed.
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

void enter_guest(CpuId cpu, domain::Vcpu& v) {
    x86::CpuLocal& local = x86::this_cpu();
    offer(v);
    if (domain::tlb_enter(cpu, v)) {
        v.vmcb->all_changed();
        v.vmcb->control().tlb_control = svm::tlb_flush_all;
    }
    svm::run(*v.vmcb, v.registers, local.host_vmcb);
    domain::tlb_leave(cpu);
    settle(v);
}

// Whether v stays on the CPU, after an exit that may have changed that.
bool stays(CpuId cpu, domain::Vcpu& v) {
    fire_expired(cpu);
    note_timer_fired();
    const auto request = v.sched.request;
    if (request == sched::Request::Block || request == sched::Request::Halt) {
        if (sched::take_block_request(v, has_pending(v))) {
            return false;
        }
        v.sched.request = sched::Request::Continue;
    }
    if (request == sched::Request::Yield || sched::should_leave(cpu, v) || is_reaping_due()) {
        return false;
    }
    arm_host_timer(cpu);
    return true;
}

// An interrupt is taken on the way out of the guest, whatever the exit was for: the exit code does
// not tell.
bool was_interrupted() {
    bool& flag = x86::this_cpu().was_interrupted;
    const bool was = flag;
    flag = false;
    return was;
}

void run_vcpu(CpuId cpu, domain::Vcpu& v) {
    for (;;) {
        start_if_asked(v);
        if (!v.is_initialised) {
            sched::block_current();  // waits for STARTUP
        } else {
            enter_guest(cpu, v);
            handle_exit(v);
            if (!was_interrupted() && v.sched.request == sched::Request::Continue &&
                !sched::has_news(cpu)) {
                continue;  // the common case: nothing but this vCPU has changed
            }
        }
        if (!stays(cpu, v)) {
            return;
        }
    }
}

// What another domain has trained must not steer this one. [apm2] 3.2.9 (PRED_CMD).
void part_from_last(CpuId cpu, const domain::Domain& next) {
    const domain::Domain*& last = last_domain[cpu.value()];
    if (last != &next) {
        last = &next;
        svm::drop_predictions();
    }
}

void run_one(CpuId cpu, domain::Vcpu& v) {
    x86::this_cpu().current = &v;
    part_from_last(cpu, *v.domain);
    svm::restore(v.processor);
    hypercall::refresh_runstate(v, sched::now_ns());
    arm_host_timer(cpu);
    run_vcpu(cpu, v);
    svm::save(v.processor);
    sched::leave(v, has_pending(v));
    x86::this_cpu().current = nullptr;
}

}  // namespace

void loop(CpuId cpu) {
    for (;;) {
        fire_expired(cpu);
        note_timer_fired();
        hyperlaunch::reap();
        if (domain::Vcpu* v = sched::pick(cpu)) {
            run_one(cpu, *v);
        } else {
            arm_host_timer(cpu);
            x86::halt_until_interrupt();
        }
    }
}

}  // namespace hv::run
