// SPDX-License-Identifier: Apache-2.0
// Privileged and special instructions, one function each; with the .S files, the only assembly of
// the hypervisor. Nothing here decides anything.
#pragma once

#include "hv/base/address.hpp"

#include <array>
#include <cstdint>

namespace hv::x86 {

struct CpuidResult {
    uint32_t eax, ebx, ecx, edx;
};

// SAFETY for all of these: the instruction does what its name says to the CPU it runs on; operands
// are values, and memory clobbers are given where the instruction orders or reads memory.

inline CpuidResult cpuid(uint32_t leaf, uint32_t subleaf = 0) {
    CpuidResult r{};
    asm volatile("cpuid"
                 : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
                 : "a"(leaf), "c"(subleaf));
    return r;
}
inline uint64_t rdmsr(uint32_t msr) {
    uint32_t low = 0;
    uint32_t high = 0;
    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr) : "memory");
    return uint64_t{high} << 32 | low;
}
inline void wrmsr(uint32_t msr, uint64_t value) {
    asm volatile("wrmsr"
                 :
                 : "c"(msr), "a"(static_cast<uint32_t>(value)),
                   "d"(static_cast<uint32_t>(value >> 32))
                 : "memory");
}
inline uint64_t rdtsc() {
    uint32_t low = 0;
    uint32_t high = 0;
    asm volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return uint64_t{high} << 32 | low;
}

inline uint8_t inb(uint16_t port) {
    uint8_t value = 0;
    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
inline void outb(uint16_t port, uint8_t value) {
    asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}
inline uint16_t inw(uint16_t port) {
    uint16_t value = 0;
    asm volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
inline void outw(uint16_t port, uint16_t value) {
    asm volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}
inline uint32_t inl(uint16_t port) {
    uint32_t value = 0;
    asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
inline void outl(uint16_t port, uint32_t value) {
    asm volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}
// Writes `count` bytes to one port.
inline void outsb(uint16_t port, const void* bytes, uint64_t count) {
    asm volatile("rep outsb" : "+S"(bytes), "+c"(count) : "d"(port) : "memory");
}

inline uint64_t read_cr0() {
    uint64_t value = 0;
    asm volatile("mov %%cr0, %0" : "=r"(value));
    return value;
}
inline void write_cr0(uint64_t value) {
    asm volatile("mov %0, %%cr0" : : "r"(value) : "memory");
}
inline uint64_t read_cr2() {
    uint64_t value = 0;
    asm volatile("mov %%cr2, %0" : "=r"(value));
    return value;
}
inline uint64_t read_cr3() {
    uint64_t value = 0;
    asm volatile("mov %%cr3, %0" : "=r"(value));
    return value;
}
inline void write_cr3(uint64_t value) {
    asm volatile("mov %0, %%cr3" : : "r"(value) : "memory");
}
inline uint64_t read_cr4() {
    uint64_t value = 0;
    asm volatile("mov %%cr4, %0" : "=r"(value));
    return value;
}
inline void write_cr4(uint64_t value) {
    asm volatile("mov %0, %%cr4" : : "r"(value) : "memory");
}

inline uint64_t xgetbv0() {
    uint32_t low = 0;
    uint32_t high = 0;
    asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return uint64_t{high} << 32 | low;
}
inline void xsetbv0(uint64_t value) {
    asm volatile("xsetbv"
                 :
                 : "c"(0), "a"(static_cast<uint32_t>(value)),
                   "d"(static_cast<uint32_t>(value >> 32)));
}
// The x87 unit as after a reset, the addresses of its last instruction among it.
inline void fninit() {
    asm volatile("fninit");
}
// The area is 64-byte aligned and as large as CPUID leaf 0xd says for XCR0.
inline void xsave(void* area) {
    asm volatile("xsave64 (%0)" : : "r"(area), "a"(~0U), "d"(~0U) : "memory");
}
inline void xrstor(const void* area) {
    asm volatile("xrstor64 (%0)" : : "r"(area), "a"(~0U), "d"(~0U) : "memory");
}

inline std::array<uint64_t, 4> read_dr0_to_3() {
    std::array<uint64_t, 4> dr{};
    asm volatile("mov %%dr0, %0; mov %%dr1, %1; mov %%dr2, %2; mov %%dr3, %3"
                 : "=r"(dr[0]), "=r"(dr[1]), "=r"(dr[2]), "=r"(dr[3]));
    return dr;
}
inline void write_dr0_to_3(const std::array<uint64_t, 4>& dr) {
    asm volatile("mov %0, %%dr0; mov %1, %%dr1; mov %2, %%dr2; mov %3, %%dr3"
                 :
                 : "r"(dr[0]), "r"(dr[1]), "r"(dr[2]), "r"(dr[3]));
}

inline void cli() {
    asm volatile("cli" : : : "memory");
}
inline void sti() {
    asm volatile("sti" : : : "memory");
}
// Enables interrupts and halts with no window between the two; returns with interrupts off.
inline void halt_until_interrupt() {
    asm volatile("sti; hlt; cli" : : : "memory");
}
[[noreturn]] inline void halt_forever() {
    for (;;) {
        asm volatile("cli; hlt" : : : "memory");
    }
}
inline void pause() {
    asm volatile("pause" : : : "memory");
}

inline void lgdt(const void* descriptor) {
    asm volatile("lgdt (%0)" : : "r"(descriptor) : "memory");
}
inline void lidt(const void* descriptor) {
    asm volatile("lidt (%0)" : : "r"(descriptor) : "memory");
}
inline void ltr(uint16_t selector) {
    asm volatile("ltr %0" : : "r"(selector) : "memory");
}
inline void load_data_segments(uint16_t selector) {
    asm volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%ss; mov %1, %%fs; mov %1, %%gs"
                 :
                 : "r"(uint32_t{selector}), "r"(0)
                 : "memory");
}

// The first word of the structure GS points at. Volatile: the CPU may differ from call to call.
template <class T>
T* read_gs_self() {
    T* self = nullptr;
    asm volatile("mov %%gs:0, %0" : "=r"(self));
    return self;
}

inline void vmsave(Paddr vmcb) {
    asm volatile("vmsave" : : "a"(vmcb.value()) : "memory");
}

}  // namespace hv::x86
