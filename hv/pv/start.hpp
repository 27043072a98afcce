// SPDX-License-Identifier: Apache-2.0
// The states in which a vCPU of a PV domain begins.
#pragma once

#include "hv/abi/launch_op.hpp"
#include "hv/abi/xen_pv.hpp"
#include "hv/base/result.hpp"
#include "hv/domain/domain.hpp"
#include "hv/domain/vcpu.hpp"

namespace hv::pv {

enum class StartError : uint8_t {
    BadFrame,    // a page table, GDT or hypercall page that is not the domain's RAM: refuse
    BadContext,  // selectors, addresses or counts that no kernel can have: refuse
};

// vCPU 0 as domB wants it. [xen-pub] xen.h, "start of day memory layout".
Result<void, StartError> start_first(domain::Domain& domain, const abi::LaunchPvVcpu& request);

// Any other vCPU, by VCPUOP_initialise.
Result<void, StartError> initialise(domain::Vcpu& vcpu, const abi::VcpuGuestContext& context);

}  // namespace hv::pv
