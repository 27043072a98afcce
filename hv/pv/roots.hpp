// SPDX-License-Identifier: Apache-2.0
// The tables and the stack between which a PV vCPU changes when it enters or leaves its kernel.
#pragma once

#include "hv/domain/vcpu.hpp"

#include <cstdint>

namespace hv::pv {

// NEW_BASEPTR: a machine address, checked by use_root.
void set_kernel_root(domain::Vcpu& vcpu, uint64_t root);

// NEW_USER_BASEPTR, likewise; 0: none. The first one decides whether user space can run on the
// kernel's tables: a kernel that maps its own code without the user bit, as it would on a bare
// processor, needs no others. `code` is an address in the kernel's text.
void set_user_root(domain::Vcpu& vcpu, uint64_t root, GuestVaddr code);

// stack_switch
void set_kernel_stack(domain::Vcpu& vcpu, uint64_t rsp);

}  // namespace hv::pv
