// SPDX-License-Identifier: Apache-2.0
#include "tests/guest/pv/rt/pages.hpp"

#include "hv/abi/pv_layout.hpp"
#include "hv/abi/xen_pv.hpp"
#include "tests/guest/pv/rt/kernel.hpp"
#include "tests/guest/pv/rt/traps.hpp"

namespace pv {

namespace {

constexpr unsigned index_bits = 9;

uint64_t index_of(uint64_t virt, unsigned level) {
    return virt >> (12 + index_bits * (level - 1)) & 511;
}

// Free pages: those below the image, from 1 on.
constinit uint64_t next_page = 1;
constexpr uint64_t first_image_page = 0x100;

constexpr uint64_t table_entry = pte::P | pte::RW | pte::US | pte::A;

// Makes a free page a page table as Xen wants it: not writable for the guest, and pinned.
uint64_t make_table(unsigned level) {
    const uint64_t pfn = take_page();
    const uint64_t mfn = mfn_of(pfn);
    if (update_va_mapping(virt_of(pfn), mfn * page_bytes | pte::kernel_read_only) != 0 ||
        mmuext(level - 1, mfn) != 0) {
        fail("no page table of level", level);
    }
    return mfn;
}

}  // namespace

uint64_t mfn_of(uint64_t pfn) {
    return word(start_info().mfn_list + pfn * 8);
}
uint64_t pfn_of(uint64_t mfn) {
    return word(hv::abi::pv_m2p_virt + mfn * 8);
}

uint64_t take_page() {
    if (next_page == first_image_page) {
        fail("the test has used up its pages");
    }
    const uint64_t pfn = next_page++;
    for (uint64_t i = 0; i < page_bytes; i += 8) {
        word(virt_of(pfn) + i) = 0;
    }
    return pfn;
}

uint64_t root_mfn() {
    return mfn_of(pfn_at(start_info().pt_base));
}

uint64_t entry_machine(uint64_t virt, unsigned level) {
    uint64_t table = root_mfn();
    for (unsigned at = 4;; --at) {
        const uint64_t place = index_of(virt, at) * 8;
        if (at == level) {
            return table * page_bytes + place;
        }
        const uint64_t entry = word(virt_of(pfn_of(table)) + place);
        if ((entry & pte::P) == 0) {
            return 0;
        }
        table = (entry & pte::address) / page_bytes;
    }
}

uint64_t entry_of(uint64_t virt, unsigned level) {
    const uint64_t at = entry_machine(virt, level);
    return at == 0 ? 0 : word(virt_of(pfn_of(at / page_bytes)) + at % page_bytes);
}

int64_t set_entry(uint64_t machine, uint64_t value, uint64_t command) {
    const hv::abi::MmuUpdate update{machine | command, value};
    return hypercall(Hypercall::mmu_update, &update, 1, 0, hv::abi::DOMID_SELF);
}

int64_t mmuext(uint32_t command, uint64_t arg1, uint64_t arg2) {
    hv::abi::MmuextOp op{};
    op.cmd = command;
    op.arg1.mfn = arg1;
    op.arg2.src_mfn = arg2;
    return hypercall(Hypercall::mmuext_op, &op, 1, 0, hv::abi::DOMID_SELF);
}

int64_t update_va_mapping(uint64_t virt, uint64_t entry, uint64_t flags) {
    return hypercall(Hypercall::update_va_mapping, virt, entry, flags);
}

void map_page(uint64_t virt, uint64_t entry) {
    for (unsigned level = 4; level > 1; --level) {
        if ((entry_of(virt, level) & pte::P) == 0) {
            const uint64_t table = make_table(level - 1);
            if (set_entry(entry_machine(virt, level), table * page_bytes | table_entry) != 0) {
                fail("mmu_update of a table of level", level);
            }
        }
    }
    if (update_va_mapping(virt, entry) != 0) {
        fail("update_va_mapping of", virt);
    }
}

}  // namespace pv
