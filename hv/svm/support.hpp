// SPDX-License-Identifier: Apache-2.0
// Whether a CPU can virtualise the way the hypervisor needs it, and switching that on.
#pragma once

#include "hv/base/address.hpp"
#include "hv/x86/instructions.hpp"

#include <cstdint>

namespace hv::svm {

enum class SvmMissing : uint8_t { None, Svm, DisabledByFirmware, NestedPaging, Nx, Xsave };

// The answer for a CPU whose CPUID and VM_CR are read like that. VM_CR is read only where it is
// sure to exist.
SvmMissing find_missing(x86::CpuidResult (*cpuid)(uint32_t leaf), uint64_t (*read_vm_cr)());

// The answer for this CPU.
SvmMissing check_cpu();

// Switches SVM on for this CPU with its host save area, one private frame.
void enable(Mfn host_save_area);

}  // namespace hv::svm
