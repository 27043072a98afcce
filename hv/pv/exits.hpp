// SPDX-License-Identifier: Apache-2.0
// Exits that only a PV domain has: what the stub asks for, #UD for the emulation prefix, and
// instructions that Xen's kernels may not execute.
#pragma once

#include "hv/domain/vcpu.hpp"

namespace hv::pv {

// Whether the VMMCALL is the stub's; it has then been carried out.
bool handle_stub_op(domain::Vcpu& vcpu);

// Whether #UD was XEN_EMULATE_PREFIX before CPUID: RIP then stands on the CPUID. Otherwise the
// guest has got its #UD.
bool handle_undefined_opcode(domain::Vcpu& vcpu);

// A kernel of Xen cannot turn interrupts off for the processor: IF is set again, but in the stub.
void restore_interrupt_flag(domain::Vcpu& vcpu);

}  // namespace hv::pv
