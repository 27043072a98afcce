// SPDX-License-Identifier: Apache-2.0
// What the scheduler keeps of each CPU, and its lock. Used by this folder alone.
#pragma once

#include "hv/base/spinlock.hpp"
#include "hv/sched/entity.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace hv::sched {

inline constexpr size_t max_cpus = 64;

struct CpuQueue {
    bool is_spared = false;
    bool is_idle = false;
    bool ends_slices = false;  // it knows whether somebody waits: its timer is armed, or will be
    bool looks_again = false;  // its own CPU only
    std::atomic<bool> has_news{false};
    domain::Vcpu* running = nullptr;
    uint64_t slice_start_ns = 0;
    Timer* timers = nullptr;
};

extern Spinlock lock;  // of this, the run queue and all entities
extern std::array<CpuQueue, max_cpus> cpus;

inline CpuQueue& of(CpuId cpu) {
    return cpus[cpu.value()];
}

// With the lock held.
void disarm(Timer& timer);

}  // namespace hv::sched
