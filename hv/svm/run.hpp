// SPDX-License-Identifier: Apache-2.0
// Entering a container and coming back.
#pragma once

#include "hv/base/address.hpp"
#include "hv/svm/registers.hpp"
#include "hv/svm/vmcb.hpp"

namespace hv::svm {

// Enters the guest until its next exit, or until an interrupt has kept it from entering, which then
// is the exit; registers.rax and .rsp mirror the VMCB outside.
void run(Vmcb& vmcb, GuestRegisters& registers, Paddr host_vmcb);

}  // namespace hv::svm
