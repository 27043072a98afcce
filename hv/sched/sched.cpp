// SPDX-License-Identifier: Apache-2.0
#include "hv/sched/sched.hpp"

#include "hv/base/assert.hpp"
#include "hv/domain/domain.hpp"
#include "hv/sched/cpu_queue.hpp"

#include <algorithm>

namespace hv::sched {

constinit Spinlock lock;
constinit std::array<CpuQueue, max_cpus> cpus{};

namespace {

// A waiting vCPU replaces the running one only if it has had this much less.
constexpr uint64_t preempt_advantage_ns = 2'000'000;
// And not before this one has had that long: each change costs both of them, and whoever wakes and
// sleeps again all the time would leave its neighbour nothing but changes.
constexpr uint64_t least_turn_ns = slice_ns / 20;
// Time for an entry and a few instructions.
constexpr uint64_t soon_ns = 100'000;

constinit domain::Vcpu* queue = nullptr;  // sorted by run_ns, least first
constinit uint64_t least_run_ns = 0;      // of all that run or wait: newcomers start here

void tell(CpuId cpu) {
    of(cpu).has_news.store(true, std::memory_order_release);
    kick_cpu(cpu);
}

void enter_state(domain::Vcpu& v, RunState state) {
    const uint64_t now = now_ns();
    const uint64_t spent = now - v.sched.since_ns;
    v.sched.time_ns[static_cast<size_t>(v.sched.state)] += spent;
    if (v.sched.state == RunState::Running) {
        v.sched.run_ns += spent;
    }
    v.sched.state = state;
    v.sched.since_ns = now;
}

void enqueue(domain::Vcpu& v) {
    domain::Vcpu** at = &queue;
    while (*at != nullptr && (*at)->sched.run_ns <= v.sched.run_ns) {
        at = &(*at)->sched.next;
    }
    v.sched.next = *at;
    *at = &v;
}

// Somebody waits and no CPU is idle: those that run somebody who was alone so far do not know, and
// would go on for ever.
void tell_who_runs() {
    for (uint32_t i = 0; i < max_cpus; ++i) {
        if (cpus[i].running != nullptr && !cpus[i].ends_slices) {
            cpus[i].ends_slices = true;
            tell(CpuId{i});
        }
    }
}

void dequeue(domain::Vcpu& v) {
    for (domain::Vcpu** at = &queue; *at != nullptr; at = &(*at)->sched.next) {
        if (*at == &v) {
            *at = v.sched.next;
            v.sched.next = nullptr;
            return;
        }
    }
}

// An idle CPU, the vCPU's last one if possible; else the last one, where the run loop decides.
CpuId cpu_to_tell(const domain::Vcpu& v) {
    if (of(v.sched.cpu).is_idle) {
        return v.sched.cpu;
    }
    for (uint32_t i = 0; i < max_cpus; ++i) {
        if (cpus[i].is_idle) {
            return CpuId{i};
        }
    }
    return v.sched.cpu;
}

// A vCPU that is alone is picked once and runs for long: its time counts as it passes.
void raise_least() {
    const uint64_t now = now_ns();
    uint64_t least = queue != nullptr ? queue->sched.run_ns : ~uint64_t{0};
    for (const CpuQueue& c : cpus) {
        if (c.running != nullptr) {
            least = std::min(least, c.running->sched.run_ns + (now - c.slice_start_ns));
        }
    }
    if (least != ~uint64_t{0}) {
        least_run_ns = std::max(least_run_ns, least);
    }
}

void make_runnable(domain::Vcpu& v) {
    raise_least();
    // Whoever slept long gets no arrears: it starts where the others are, with the credit of a
    // slice, so that it soon gets its turn.
    v.sched.run_ns = std::max(v.sched.run_ns, least_run_ns - std::min(least_run_ns, slice_ns));
    enter_state(v, RunState::Runnable);
    enqueue(v);
    const CpuId cpu = cpu_to_tell(v);
    const bool is_taken = of(cpu).is_idle;
    of(cpu).is_idle = false;  // told once is enough
    of(cpu).ends_slices = true;
    tell(cpu);
    if (!is_taken) {
        tell_who_runs();
    }
}

// How long the running vCPU may stay, with the queue as it is; somebody waits.
uint64_t turn_ns(const domain::Vcpu& running) {
    const uint64_t claim = queue->sched.run_ns + preempt_advantage_ns;
    return running.sched.run_ns + least_turn_ns > claim ? least_turn_ns : slice_ns;
}

}  // namespace

void wake(domain::Vcpu& v) {
    // Set before the state is read: a vCPU about to block sees one or the other.
    v.sched.wake_pending.store(true, std::memory_order_seq_cst);
    const LockGuard guard{lock};
    if (v.sched.state == RunState::Blocked) {
        v.sched.wake_pending.store(false, std::memory_order_relaxed);
        make_runnable(v);
    } else if (v.sched.state == RunState::Running) {
        tell(v.sched.cpu);
    }
}

void block_current() {
    domain::current().sched.request = Request::Block;
}
void halt_current() {
    domain::current().sched.request = Request::Halt;
}
void yield_current() {
    domain::current().sched.request = Request::Yield;
}
void look_again_soon() {
    CpuQueue& c = of(domain::current().sched.cpu);
    c.looks_again = true;
    c.has_news.store(true, std::memory_order_relaxed);
}
void forget_wakes() {
    // Not later than the caller's look: see wake().
    domain::current().sched.wake_pending.store(false, std::memory_order_seq_cst);
}

void set_online(domain::Vcpu& v, bool online) {
    const LockGuard guard{lock};
    // Under the lock: end() marks the domain first and then takes its vCPUs down one by one, so
    // whoever comes after it finds the mark, and whoever came before it is undone.
    if (online && v.domain->is_dying.load(std::memory_order_relaxed)) {
        return;
    }
    v.is_up = online;
    if (online) {
        if (v.sched.state == RunState::Offline) {
            make_runnable(v);
        }
        return;
    }
    for (Timer& timer : v.sched.timers) {
        disarm(timer);
    }
    switch (v.sched.state) {
        case RunState::Runnable:
            dequeue(v);
            enter_state(v, RunState::Offline);
            break;
        case RunState::Blocked:
            enter_state(v, RunState::Offline);
            break;
        case RunState::Running:
            tell(v.sched.cpu);
            break;
        case RunState::Offline:
            break;
    }
}

bool is_offline(const domain::Vcpu& v) {
    const LockGuard guard{lock};
    return v.sched.state == RunState::Offline;
}

bool is_blocked(const domain::Vcpu& v) {
    const LockGuard guard{lock};
    return v.sched.state == RunState::Blocked;
}

void init(domain::Vcpu& v) {
    v.sched.cpu = CpuId{of(CpuId{0}).is_spared ? 1U : 0U};
    for (size_t kind = 0; kind < timer_kind_count; ++kind) {
        v.sched.timers[kind].vcpu = &v;
        v.sched.timers[kind].kind = static_cast<TimerKind>(kind);
    }
    v.sched.since_ns = now_ns();
}

void spare_boot_cpu() {
    const LockGuard guard{lock};
    of(CpuId{0}).is_spared = true;
}

domain::Vcpu* pick(CpuId cpu) {
    const LockGuard guard{lock};
    CpuQueue& c = of(cpu);
    domain::Vcpu* v = queue;
    c.is_idle = v == nullptr && !c.is_spared;
    if (v == nullptr || c.is_spared) {
        return nullptr;
    }
    queue = v->sched.next;
    v->sched.next = nullptr;
    least_run_ns = std::max(least_run_ns, v->sched.run_ns);
    enter_state(*v, RunState::Running);
    v->sched.cpu = cpu;
    c.running = v;
    c.ends_slices = true;  // it asks for its next deadline now
    c.slice_start_ns = v->sched.since_ns;
    if (queue != nullptr) {
        tell_who_runs();  // of whom this CPU has put back
    }
    return v;
}

bool has_news(CpuId cpu) {
    std::atomic<bool>& news = of(cpu).has_news;
    return news.load(std::memory_order_relaxed) && news.exchange(false, std::memory_order_acquire);
}

bool should_leave(CpuId cpu, const domain::Vcpu& running) {
    const LockGuard guard{lock};
    if (!running.is_up) {
        return true;
    }
    if (queue == nullptr) {
        return false;
    }
    const uint64_t ran = now_ns() - of(cpu).slice_start_ns;
    const bool is_claimed = running.sched.run_ns + ran > queue->sched.run_ns + preempt_advantage_ns;
    return ran >= slice_ns || (ran >= least_turn_ns && is_claimed);
}

bool take_block_request(domain::Vcpu& v, bool has_pending_interrupt) {
    const bool wants = v.sched.request == Request::Block || v.sched.request == Request::Halt;
    const bool woken = v.sched.wake_pending.exchange(false, std::memory_order_seq_cst);
    return wants && !woken && !has_pending_interrupt;
}

void leave(domain::Vcpu& v, bool has_pending_interrupt) {
    const LockGuard guard{lock};
    of(v.sched.cpu).running = nullptr;
    const bool blocks = take_block_request(v, has_pending_interrupt);
    if (v.sched.request == Request::Yield && queue != nullptr) {
        v.sched.run_ns = std::max(v.sched.run_ns, queue->sched.run_ns);
    }
    v.sched.request = Request::Continue;
    if (!v.is_up) {
        enter_state(v, RunState::Offline);
    } else if (blocks) {
        enter_state(v, RunState::Blocked);
    } else {
        enter_state(v, RunState::Runnable);
        enqueue(v);
    }
}

uint64_t next_deadline(CpuId cpu) {
    const LockGuard guard{lock};
    CpuQueue& c = of(cpu);
    uint64_t deadline = c.timers != nullptr ? c.timers->deadline_ns : 0;
    c.ends_slices = c.running != nullptr && queue != nullptr;
    if (c.ends_slices) {
        const uint64_t turn_end = c.slice_start_ns + turn_ns(*c.running);
        deadline = deadline == 0 ? turn_end : std::min(deadline, turn_end);
    }
    if (c.looks_again) {
        c.looks_again = false;
        const uint64_t soon = now_ns() + soon_ns;
        deadline = deadline == 0 ? soon : std::min(deadline, soon);
    }
    return deadline;
}

}  // namespace hv::sched
