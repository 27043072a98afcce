// SPDX-License-Identifier: Apache-2.0
// Time on one CPU: what the vCPUs' timers do when they expire, and the host's timer, armed for
// whatever comes first. Used by the run loop.
#pragma once

#include "hv/base/address.hpp"
#include "hv/domain/vcpu.hpp"

namespace hv::run {

// Fires what has expired on this CPU, gives the UART what waits for it, and brings the APIC timer
// of the vCPU it is about to run (or nullptr) up to date: afterwards every deadline there is can be
// armed.
void serve_timers(CpuId cpu, domain::Vcpu* running);

// Programs the host's APIC timer for the next deadline, if that changed.
void arm_host_timer(CpuId cpu);

// Whether domains that ended are to be looked at again.
bool is_reaping_due();

}  // namespace hv::run
