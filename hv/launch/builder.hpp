// SPDX-License-Identifier: Apache-2.0
// domB as the hypervisor sees it: what is mapped into it, and taken from it again.
#pragma once

#include "hv/abi/launch_op.hpp"
#include "hv/boot/machine.hpp"
#include "hv/domain/domain.hpp"
#include "hv/launch/plan.hpp"

namespace hv::hyperlaunch {

// domB's guest physical layout above its RAM.
inline constexpr GuestPaddr builder_image_at{0x100000};
inline constexpr GuestPaddr builder_log_at{0xfc000000};
inline constexpr GuestPaddr builder_tpm_at{0xfed40000};
inline constexpr GuestPaddr builder_modules_at{0x400000000};  // 16 GiB, read-only
// From 32 GiB on its window on others: domain::builder_window_first.

// Copies the measured image in, maps the plan, the other modules, log and TPM, sets the entry
// state.
void equip_builder(const boot::Machine& machine, const Plan& plan, domain::Domain& builder);

// What LaunchOp::GetInfo answers.
const abi::LaunchInfo& builder_info();

// Takes TPM, log and the whole window away, and waits until no CPU can use them.
void strip_builder(domain::Domain& builder);

// After its end: scrubs its RAM and the modules and hands them to the reserves and the free frames.
void reclaim_builder(boot::Machine& machine, domain::Domain& builder);

}  // namespace hv::hyperlaunch
