// SPDX-License-Identifier: Apache-2.0
// The scheduler's face to the rest of hv: fair time between vCPUs, block and wake, one-shot timers.
// Blocked vCPUs cost nothing; a CPU with nothing to run halts.
#pragma once

#include "hv/domain/vcpu.hpp"

#include <cstdint>

namespace hv::sched {

// Makes a Blocked vCPU Runnable; a Running one leaves the guest soon so that it sees what is
// pending. Anything else is left alone. Callable with any lock but sched::lock held.
void wake(domain::Vcpu& vcpu);

// Called by hypercall handlers for the current vCPU: when the handler returns, the vCPU blocks
// until wake(), unless one came in between.
void block_current();
// As above, but gives way to others and stays Runnable.
void yield_current();

// Brings a vCPU into or out of the set that may run (VCPUOP_up/down, unpause, end).
void set_online(domain::Vcpu& vcpu, bool online);

// Arms or (deadline 0) disarms the vCPU's one-shot timer; on expiry hv sends VIRQ_TIMER.
void set_singleshot_timer(domain::Vcpu& vcpu, uint64_t deadline_ns);
// Wakes the vCPU at that time whatever else happens (SCHEDOP_poll's timeout); 0 disarms.
void set_poll_timer(domain::Vcpu& vcpu, uint64_t deadline_ns);

// System time: nanoseconds since boot, the time base of every pvclock.
uint64_t now_ns();

}  // namespace hv::sched
