// SPDX-License-Identifier: Apache-2.0
// Exceptions of a small domain. Nothing here expects one: the handler prints the registers and
// ends the domain as crashed. Interrupts stay off for good; domains wait by SCHEDOP_poll.
#pragma once

#include <cstdint>

namespace rt {

// As trap_common in entry.S pushes it, lowest address first.
struct TrapFrame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
    uint64_t vector, error;
    uint64_t rip, cs, rflags, rsp, ss;
};
static_assert(sizeof(TrapFrame) == 22 * 8);

// Loads the IDT and a TSS with a stack of its own for all exceptions.
void start_traps();

}  // namespace rt
