// SPDX-License-Identifier: Apache-2.0
// The rule that keeps stale translations away ([apm2] 15.16): every container uses ASID 1, so a CPU
// flushes when another vCPU enters than the last one, when a vCPU comes from another CPU, and when
// the domain's p2m changed since the vCPU's last entry. flush_tlb (domain.hpp) waits for CPUs that
// are inside.
#pragma once

#include "hv/domain/domain.hpp"
#include "hv/domain/vcpu.hpp"

namespace hv::domain {

inline constexpr uint32_t guest_asid = 1;  // 0 is the host's

// Announces that this CPU is about to enter; returns whether the entry must flush. After this and
// before VMRUN the CPU takes nothing from the p2m for granted.
bool tlb_enter(CpuId cpu, Vcpu& vcpu);
// The CPU is out of the guest.
void tlb_leave(CpuId cpu);

}  // namespace hv::domain
