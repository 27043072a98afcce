// SPDX-License-Identifier: Apache-2.0
// A vCPU's run state as guests see it. Used by VCPUOP_get_runstate_info and by whoever refreshes
// the registered area when the vCPU is scheduled. [xen-pub] vcpu.h.
#pragma once

#include "hv/abi/xen_vcpu.hpp"
#include "hv/domain/vcpu.hpp"

#include <cstdint>

namespace hv::hypercall {

// Times up to now; the current state's included. Exact for the vCPU that runs here, otherwise as
// the scheduler last wrote it.
abi::VcpuRunstateInfo runstate_of(const domain::Vcpu& vcpu, uint64_t now_ns);

// Writes it to the area the vCPU has registered, if any; the vCPU is about to run. An area that is
// no longer mapped is left alone.
void refresh_runstate(const domain::Vcpu& vcpu, uint64_t now_ns);

}  // namespace hv::hypercall
