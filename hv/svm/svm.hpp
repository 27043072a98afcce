// SPDX-License-Identifier: Apache-2.0
// AMD virtualisation for the rest of hv: switch it on, make a container, set initial states, run,
// inject. Nothing above this folder but hv/hvm's exit handling looks into a VMCB.
#pragma once

#include "hv/base/address.hpp"
#include "hv/svm/exit_code.hpp"
#include "hv/svm/registers.hpp"
#include "hv/svm/vmcb.hpp"

#include <cstdint>
#include <optional>
#include <span>

namespace hv::svm {

enum class SvmMissing : uint8_t { None, Svm, DisabledByFirmware, NestedPaging, Nx, Xsave };

// Whether this CPU can do what the hypervisor needs.
SvmMissing check_cpu();

// Switches SVM on for this CPU with its host save area, one private frame.
void enable(Mfn host_save_area);

// The maps are shared by every container; `maps` are the frames for them, contiguous.
inline constexpr uint64_t permission_map_frames = 5;
void build_permission_maps(Mfn maps, std::span<const uint32_t> passed_through_msrs);

// A container at its architectural reset with the intercepts every domain has.
void init(Vmcb& vmcb, Paddr nested_root, uint32_t asid);

// 32-bit flat protected mode, paging off: how PVH starts. [xen-pub] arch-x86/hvm/start_info.h.
void set_flat32_state(Vmcb& vmcb, GuestRegisters& registers, uint32_t eip, uint32_t ebx);
// Real mode at page:0, after INIT and STARTUP. [apm2] 15.27.8, 14.1.3.
void set_startup_state(Vmcb& vmcb, GuestRegisters& registers, uint8_t page);

// Enters the guest until its next exit; registers.rax and .rsp mirror the VMCB outside.
void run(Vmcb& vmcb, GuestRegisters& registers, Paddr host_vmcb);

// Exceptions of [apm2] 8.2 that the hypervisor raises in a guest.
enum class Exception : uint8_t { UD = 6, GP = 13, PF = 14 };
void inject_exception(Vmcb& vmcb, Exception vector, uint32_t error_code = 0);

// Offers an external interrupt: taken by the guest as soon as it can. Replaces the last offer.
void offer_interrupt(Vmcb& vmcb, uint8_t vector);
void withdraw_interrupt(Vmcb& vmcb);
// Whether an offer is still waiting to be taken.
bool is_interrupt_waiting(const Vmcb& vmcb);

bool can_take_interrupt(const Vmcb& vmcb);

}  // namespace hv::svm
