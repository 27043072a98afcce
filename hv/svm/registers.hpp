// SPDX-License-Identifier: Apache-2.0
// The general registers that VMRUN does not save; entry.S knows the offsets.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace hv::svm {

// In the encoding's order, so that a decoded register number is an index. RAX and RSP are copies of
// the VMCB's fields while an exit is handled.
struct GuestRegisters {
    uint64_t rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
};
static_assert(sizeof(GuestRegisters) == 128 && offsetof(GuestRegisters, r15) == 0x78);

}  // namespace hv::svm
