// SPDX-License-Identifier: Apache-2.0
// The hypervisor's own interrupts and exceptions. An exception in the hypervisor is a bug and stops
// the machine with its registers; interrupts only tell a CPU to look at its work.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hv::x86 {

// Vectors of the host, [apm2] 8.2 below 32, ours from 0xf0 up (highest APIC priority class).
enum class HostVector : uint8_t {
    Timer = 0xf0,
    Kick = 0xf1,
    ConsoleInput = 0xf2,
    Spurious = 0xff,
};

// What the assembly stubs leave on the stack.
struct TrapFrame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
    uint64_t vector, error_code;
    uint64_t rip, cs, rflags, rsp, ss;
};
static_assert(offsetof(TrapFrame, vector) == 0x78 && sizeof(TrapFrame) == 0xb0);

inline constexpr size_t idt_bytes = 256 * 16;
const void* idt_table();

// Fills the table; once, before the first install().
void build_idt();

}  // namespace hv::x86
