// SPDX-License-Identifier: Apache-2.0
// The timers of vCPUs, in a list for each CPU.
#include "hv/domain/vcpu.hpp"
#include "hv/sched/cpu_queue.hpp"
#include "hv/sched/sched.hpp"

namespace hv::sched {

namespace {

void set_timer(domain::Vcpu& v, TimerKind kind, uint64_t deadline_ns) {
    const LockGuard guard{lock};
    Timer& timer = v.sched.timers[static_cast<size_t>(kind)];
    disarm(timer);
    of(v.sched.cpu).has_news.store(true, std::memory_order_relaxed);
    if (deadline_ns == 0 || !v.is_up) {
        return;  // a vCPU on its way out must not leave a timer behind
    }
    timer.deadline_ns = deadline_ns;
    timer.cpu = v.sched.cpu;
    timer.is_armed = true;
    Timer** at = &of(timer.cpu).timers;
    while (*at != nullptr && (*at)->deadline_ns <= deadline_ns) {
        at = &(*at)->next;
    }
    timer.next = *at;
    *at = &timer;
}

}  // namespace

void disarm(Timer& timer) {
    if (!timer.is_armed) {
        return;
    }
    for (Timer** at = &of(timer.cpu).timers; *at != nullptr; at = &(*at)->next) {
        if (*at == &timer) {
            *at = timer.next;
            break;
        }
    }
    timer.is_armed = false;
}

void set_singleshot_timer(domain::Vcpu& v, uint64_t deadline_ns) {
    set_timer(v, TimerKind::Singleshot, deadline_ns);
}
void set_poll_timer(domain::Vcpu& v, uint64_t deadline_ns) {
    set_timer(v, TimerKind::Poll, deadline_ns);
}
void set_lapic_timer(domain::Vcpu& v, uint64_t deadline_ns) {
    set_timer(v, TimerKind::Lapic, deadline_ns);
}

Timer* pop_expired(CpuId cpu, uint64_t now) {
    const LockGuard guard{lock};
    Timer* timer = of(cpu).timers;
    if (timer == nullptr || timer->deadline_ns > now) {
        return nullptr;
    }
    of(cpu).timers = timer->next;
    timer->is_armed = false;
    return timer;
}

}  // namespace hv::sched
