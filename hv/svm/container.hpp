// SPDX-License-Identifier: Apache-2.0
// A container before it runs: its VMCB with the intercepts every domain has, and the states in
// which a vCPU starts.
#pragma once

#include "hv/base/address.hpp"
#include "hv/svm/registers.hpp"
#include "hv/svm/vmcb.hpp"

#include <cstdint>

namespace hv::svm {

// A container at its architectural reset; build_permission_maps has been called before.
void init(Vmcb& vmcb, Paddr nested_root, uint32_t asid);

// 32-bit flat protected mode, paging off: how PVH starts. [xen-pub] arch-x86/hvm/start_info.h.
void set_flat32_state(Vmcb& vmcb, GuestRegisters& registers, uint32_t eip, uint32_t ebx);
// 64-bit mode at CPL 0 with paging on and no segment loaded: the caller adds what it runs with.
void set_long_mode_state(Vmcb& vmcb, GuestRegisters& registers);
// Real mode at page:0, after INIT and STARTUP. [apm2] 15.27.8, 14.1.3.
void set_startup_state(Vmcb& vmcb, GuestRegisters& registers, uint8_t page);

}  // namespace hv::svm
