// SPDX-License-Identifier: Apache-2.0
// The second vCPU of a PV test kernel.
#pragma once

#include "hv/abi/xen_pv.hpp"

namespace pv {

// What VCPUOP_initialise gets: the kernel's page table, traps, callbacks and stacks.
hv::abi::VcpuGuestContext second_context();
// VCPUOP_initialise and VCPUOP_up; vCPU 1 then runs `program`, which must not return.
void start_second(void (*program)());

}  // namespace pv
