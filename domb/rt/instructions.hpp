// SPDX-License-Identifier: Apache-2.0
// The privileged instructions of the runtime besides the hypercall. Nothing but leaf functions.
#pragma once

#include <cstdint>

namespace rt {

inline uint64_t read_cr2() {
    uint64_t value = 0;
    // SAFETY: reads a register only.
    asm volatile("mov %%cr2, %0" : "=r"(value));
    return value;
}

inline uint64_t read_cr3() {
    uint64_t value = 0;
    // SAFETY: reads a register only.
    asm volatile("mov %%cr3, %0" : "=r"(value));
    return value;
}

// Flushes the TLB: the caller has made all tables valid for the code that runs now.
inline void reload_cr3() {
    // SAFETY: the same root again.
    asm volatile("mov %0, %%cr3" : : "r"(read_cr3()) : "memory");
}

inline uint64_t read_tsc() {
    uint32_t low = 0;
    uint32_t high = 0;
    // SAFETY: reads a register only.
    asm volatile("rdtsc" : "=a"(low), "=d"(high));
    return uint64_t{high} << 32 | low;
}

struct Cpuid {
    uint32_t eax, ebx, ecx, edx;
};

inline Cpuid cpuid(uint32_t leaf, uint32_t subleaf = 0) {
    Cpuid out{};
    // SAFETY: reads registers only.
    asm volatile("cpuid"
                 : "=a"(out.eax), "=b"(out.ebx), "=c"(out.ecx), "=d"(out.edx)
                 : "a"(leaf), "c"(subleaf));
    return out;
}

// A number from the CPU's random number generator, or 0: it has none to give just now. The CPU must
// have the instruction (CPUID leaf 1, ECX bit 30).
inline uint64_t rdrand() {
    uint64_t value = 0;
    // SAFETY: changes a register and the flags only. Without a number the value is 0 ([apm3]
    // RDRAND).
    asm volatile("rdrand %0" : "=r"(value) : : "cc");
    return value;
}

struct [[gnu::packed]] TablePointer {
    uint16_t limit;
    uint64_t base;
};

inline void load_idt(const TablePointer& idt) {
    // SAFETY: the caller's table is static.
    asm volatile("lidt %0" : : "m"(idt));
}

inline void load_task_register(uint16_t selector) {
    // SAFETY: the descriptor is present in the current GDT and refers to a static TSS.
    asm volatile("ltr %0" : : "r"(selector));
}

}  // namespace rt
