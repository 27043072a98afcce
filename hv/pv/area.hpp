// SPDX-License-Identifier: Apache-2.0
// The hypervisor's part of a PV domain's address space: the M2P, and a block of pages for each
// vCPU with its stub, TSS, IDT and GDT (stub_layout.hpp). Built once, at creation.
#pragma once

#include "hv/base/result.hpp"
#include "hv/domain/domain.hpp"
#include "hv/domain/vcpu.hpp"
#include "hv/mm/arena.hpp"
#include "hv/mm/page_table.hpp"
#include "hv/pv/pv.hpp"

#include <cstdint>
#include <span>

namespace hv::pv {

enum class AreaError : uint8_t {
    NoMemory,  // the machine is too small for the plan
    TooLarge,  // the M2P has no room for the domain's memory: no machine can have it
};

// Makes a domain a PV domain: its RAM, shared_info, grant table and vCPUs exist already.
Result<void, AreaError> create_area(mm::Arena& arena, domain::Domain& domain);

// Nested tables that create_area needs beyond RAM's.
constexpr uint64_t area_table_frames(uint64_t ram_pages) {
    constexpr uint64_t pieces = 8;
    return mm::PageTable::tables_for(ram_pages / 512, pieces);
}

// Writes the slots that belong to the hypervisor into a level-4 table of the guest.
void fill_l4_slots(std::byte* table, const PvDomain& pv);

// The guest's GDT: the frames are its own, checked by the caller; at most 14.
void set_gdt(domain::Vcpu& vcpu, std::span<const Gfn> frames);
// Pages of the LDT, 16 at most, where it is mapped whatever the tables; 0: nothing there.
void set_ldt_pages(domain::Vcpu& vcpu, std::span<const Gfn> frames);
// Where the stub finds vcpu_info.
void set_vcpu_info(domain::Vcpu& vcpu, Gfn gfn, uint64_t offset);

// Guest virtual addresses within the block of a vCPU.
uint64_t stub_address(const domain::Vcpu& vcpu, uint64_t offset);
bool is_in_stub(uint64_t rip);

}  // namespace hv::pv
