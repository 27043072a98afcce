// SPDX-License-Identifier: Apache-2.0
// What the scheduler keeps in each vCPU.
#pragma once

#include "hv/base/address.hpp"

#include <array>
#include <atomic>
#include <cstdint>

namespace hv::domain {
struct Vcpu;
}

namespace hv::sched {

enum class RunState : uint8_t {
    Offline,   // not started, taken down, or its domain is paused or ended
    Blocked,   // waits for an event, an interrupt or its timer
    Runnable,  // in the run queue
    Running,   // on a CPU
};
inline constexpr size_t run_state_count = 4;

// What a handler asked for on behalf of the vCPU that made the exit.
enum class Request : uint8_t {
    Continue,
    Block,
    Halt,  // block; interrupts are off, so only NMI and INIT count
    Yield,
};

enum class TimerKind : uint8_t {
    Singleshot,  // VIRQ_TIMER
    Poll,        // SCHEDOP_poll's timeout: only wakes
    Lapic,       // the local APIC's timer
};
inline constexpr size_t timer_kind_count = 3;

// Member of one CPU's list of armed timers, sorted by deadline.
struct Timer {
    uint64_t deadline_ns = 0;
    domain::Vcpu* vcpu = nullptr;
    TimerKind kind{};
    bool is_armed = false;
    CpuId cpu{};
    Timer* next = nullptr;
};

struct Entity {
    RunState state = RunState::Offline;
    CpuId cpu{};                                      // where it runs, or last ran
    uint64_t run_ns = 0;                              // virtual run time, for fairness
    uint64_t since_ns = 0;                            // when it entered its state
    std::array<uint64_t, run_state_count> time_ns{};  // spent in each state
    domain::Vcpu* next = nullptr;                     // run queue
    std::array<Timer, timer_kind_count> timers{};

    // Woken while Running: it must not block. Set by any CPU, cleared under sched::lock.
    std::atomic<bool> wake_pending{false};
    Request request = Request::Continue;  // of the exit being handled; its own CPU only
};

}  // namespace hv::sched
