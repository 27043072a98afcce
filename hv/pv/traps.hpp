// SPDX-License-Identifier: Apache-2.0
// Where exceptions, system calls and events enter a PV kernel: hv writes what the stub looks up.
#pragma once

#include "hv/abi/xen_pv.hpp"
#include "hv/domain/vcpu.hpp"

#include <cstdint>

namespace hv::pv {

// One entry of the trap table; address 0 means that the guest has no handler.
void set_trap(domain::Vcpu& vcpu, const abi::TrapInfo& trap);
// The IDT with every vector going to the stub; traps keep their privilege.
void reset_traps(domain::Vcpu& vcpu);

// False: a type that does not exist. `masks` is CALLBACKF_mask_events.
bool set_callback(domain::Vcpu& vcpu, abi::CallbackType type, uint64_t address, bool masks);

}  // namespace hv::pv
