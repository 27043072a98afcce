// SPDX-License-Identifier: Apache-2.0
// What the scheduler keeps in each vCPU.
#pragma once

#include "hv/base/address.hpp"

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

struct Entity {
    RunState state = RunState::Offline;
    CpuId cpu{};          // where it runs, or last ran
    uint64_t run_ns = 0;  // virtual run time, for fairness
    uint64_t state_since_ns = 0;
    uint64_t time_ns[4] = {};               // spent per RunState
    domain::Vcpu* next = nullptr;           // run queue
    std::atomic<bool> wake_pending{false};  // woken while Running: do not block
    std::atomic<bool> kicked{false};        // leave the guest before the next VMRUN
    uint64_t poll_mask_count = 0;           // SCHEDOP_poll: number of ports waited for
};

}  // namespace hv::sched
