// SPDX-License-Identifier: Apache-2.0
// Memory of a PV test kernel: pfn <-> mfn, free pages, and page tables changed by hypercalls.
// Everything from pfn 0 to the end of the boot area is mapped at PV_VIRT_BASE.
#pragma once

#include "tests/guest/pv/rt/hypercall.hpp"
#include "tests/guest/pv/rt/layout.hpp"

#include <cstdint>
#include <span>

namespace pv {

inline constexpr uint64_t page_bytes = 4096;
inline constexpr uint64_t virt_base = PV_VIRT_BASE;
inline constexpr uint64_t window = 0x7000000000;  // an empty part of the lower half

// Entries of page tables, [apm2] 5.3.
namespace pte {
inline constexpr uint64_t P = 1, RW = 2, US = 4, A = 0x20, D = 0x40, PS = 0x80, G = 0x100;
inline constexpr uint64_t NX = uint64_t{1} << 63;
inline constexpr uint64_t address = 0x000f'ffff'ffff'f000;
inline constexpr uint64_t kernel = P | RW | A | D;
inline constexpr uint64_t kernel_read_only = P | A | D;
inline constexpr uint64_t user = P | RW | US | A | D;
}  // namespace pte

// A word of the kernel's memory that may change behind the compiler's back.
inline volatile uint64_t& word(uint64_t virt) {
    // SAFETY: the caller names mapped memory, or wants the fault.
    return *reinterpret_cast<volatile uint64_t*>(virt);
}

uint64_t mfn_of(uint64_t pfn);  // the p2m list
uint64_t pfn_of(uint64_t mfn);  // the M2P
inline uint64_t virt_of(uint64_t pfn) {
    return virt_base + pfn * page_bytes;
}
inline uint64_t pfn_at(uint64_t virt) {
    return (virt - virt_base) / page_bytes;
}
// Machine address of something in the boot area.
inline uint64_t machine_of(uint64_t virt) {
    return mfn_of(pfn_at(virt)) * page_bytes + virt % page_bytes;
}

// A zeroed page that nobody else has; its pfn.
uint64_t take_page();

uint64_t root_mfn();  // of the L4 in use
// The entry of level 1 to 4 (1: the page's own) for an address; its place, as a machine address, or
// 0 if there is no table.
uint64_t entry_machine(uint64_t virt, unsigned level = 1);
uint64_t entry_of(uint64_t virt, unsigned level = 1);

// One mmu_update.
int64_t set_entry(uint64_t machine, uint64_t value, uint64_t command = 0);
// One mmuext_op.
int64_t mmuext(uint32_t command, uint64_t arg1 = 0, uint64_t arg2 = 0);
int64_t update_va_mapping(uint64_t virt, uint64_t entry, uint64_t flags = 2 /* UVMF_INVLPG */);

// Maps one page anywhere outside the hypervisor's slots; makes, and pins, tables on the way.
void map_page(uint64_t virt, uint64_t entry);

}  // namespace pv
