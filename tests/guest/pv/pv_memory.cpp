// SPDX-License-Identifier: Apache-2.0
// Memory operations of a PV kernel, which names machine frames and is told them: reservations, the
// M2P's place, and its own grant table.
#include "hv/abi/pv_layout.hpp"
#include "hv/abi/xen_grant_table.hpp"
#include "hv/abi/xen_memory.hpp"
#include "hv/abi/xen_pv.hpp"
#include "tests/guest/pv/rt/kernel.hpp"
#include "tests/guest/pv/rt/memory.hpp"
#include "tests/guest/pv/rt/pages.hpp"
#include "tests/guest/pv/rt/pointers.hpp"
#include "tests/guest/pv/rt/traps.hpp"

#include <iterator>

namespace {

using namespace pv;
using hv::abi::Errno;

void balloon() {
    const uint64_t total = current_reservation();
    check_equal(total, start_info().nr_pages, "current_reservation");
    const uint64_t pfns[2] = {take_page(), take_page()};
    uint64_t list[2] = {mfn_of(pfns[0]), mfn_of(pfns[1])};
    const uint64_t mfns[2] = {list[0], list[1]};
    for (const uint64_t pfn : pfns) {
        word(virt_of(pfn)) = 0x5ec2e7;
        update_va_mapping(virt_of(pfn), 0);
    }
    check_result(reserve(decrease, list), 2, "decrease");
    check_equal(current_reservation(), total - 2, "two less");
    check_equal(pfn_of(mfns[0]), hv::abi::pv_invalid_m2p_entry, "the M2P knows");
    check_result(reserve(decrease, list), 0, "decrease again");
    check_error(set_entry(mfns[0] * page_bytes, 0, 1), Errno::XEN_EINVAL,
                "machphys of what is not");
    check_error(mmuext(16, mfns[0]), Errno::XEN_EINVAL, "clear what is not");

    list[0] = pfns[0];
    list[1] = pfns[1];
    check_result(reserve(populate, list), 2, "populate");
    check_equal(current_reservation(), total, "two more");
    for (unsigned i = 0; i < 2; ++i) {
        check(list[i] == mfns[0] || list[i] == mfns[1], "the names that were free");
        check_equal(pfn_of(list[i]), pfns[i], "the M2P has the pfns");
        update_va_mapping(virt_of(pfns[i]), list[i] * page_bytes | pte::kernel);
        check_equal(word(virt_of(pfns[i])), 0, "the page is empty");
        word(start_info().mfn_list + pfns[i] * 8) = list[i];
    }
    check_result(reserve(populate, list), 0, "no more than the plan has");

    uint64_t one[1] = {list[0]};
    update_va_mapping(virt_of(pfns[0]), 0);
    check_result(reserve(decrease, one), 1, "decrease");
    one[0] = 12345;
    check_result(reserve(increase, one), 1, "increase");
    check_equal(one[0], list[0], "says which frame");
    set_entry(one[0] * page_bytes, pfns[0], 1);
    update_va_mapping(virt_of(pfns[0]), one[0] * page_bytes | pte::kernel);
}

void bad_reservations() {
    const uint64_t total = current_reservation();
    uint64_t list[2] = {hv::abi::pv_m2p_gfn, hv::abi::pv_area_gfn};
    check_result(reserve(decrease, list), 0, "the M2P");
    list[0] = hv::abi::pv_area_gfn;
    check_result(reserve(decrease, list), 0, "the hypervisor's area");
    list[0] = hv::abi::pv_shared_info_gfn;
    check_result(reserve(decrease, list), 0, "shared_info");
    list[0] = hv::abi::pv_console_gfn;
    check_result(reserve(decrease, list), 0, "the console's page");
    list[0] = hv::abi::pv_xenstore_gfn;
    check_result(reserve(decrease, list), 0, "Xenstore's page");
    list[0] = hv::abi::pv_grant_table_gfn;
    check_result(reserve(decrease, list), 0, "the grant table");
    list[0] = ~uint64_t{0};
    check_result(reserve(decrease, list), 0, "a frame at the end of all");
    for (const MemoryOp op : {decrease, increase, populate}) {
        check_error(reserve(op, to_argument(+list), 1, 0, 0, 99), Errno::XEN_ESRCH, "of nobody");
        check_result(reserve(op, not_mapped, 1), 0, "no list");
        check_result(reserve(op, ~uint64_t{0} - 3, 1), 0, "a list that wraps");
        check_result(reserve(op, to_argument(+list), 1, 40), 0, "an order beyond all");
        check_result(reserve(op, to_argument(+list), 0), 0, "none");
        check_error(reserve(op, to_argument(+list), ~uint64_t{0}), Errno::XEN_EINVAL, "too many");
        check_error(hypercall(Hypercall::memory_op, op, uint64_t{not_mapped}), Errno::XEN_EFAULT,
                    "no argument");
    }
    check_equal(current_reservation(), total, "nothing has changed");
}

// A list in memory that is read-only: no frame may get lost.
void read_only_list() {
    const uint64_t total = current_reservation();
    const uint64_t gone = take_page();
    uint64_t one[1] = {mfn_of(gone)};
    update_va_mapping(virt_of(gone), 0);
    check_result(reserve(decrease, one), 1, "decrease");
    const uint64_t page = take_page();
    word(virt_of(page)) = gone;
    update_va_mapping(virt_of(page), mfn_of(page) * page_bytes | pte::kernel_read_only);
    check_result(reserve(populate, virt_of(page), 1), 0, "populate with a read-only list");
    check_equal(current_reservation(), total - 1, "no frame is lost");
    one[0] = gone;
    check_result(reserve(populate, one), 1, "populate");
    word(start_info().mfn_list + gone * 8) = one[0];
}

void places() {
    hv::abi::MachphysMapping mapping{};
    check_result(memory(MemoryOp::XENMEM_machphys_mapping, &mapping), 0, "machphys_mapping");
    check_equal(mapping.v_start, hv::abi::pv_m2p_virt, "v_start");
    check_equal(mapping.v_end, mapping.v_start + (mapping.max_mfn + 1) * 8, "v_end");
    check_error(
        hypercall(Hypercall::memory_op, MemoryOp::XENMEM_machphys_mapping, uint64_t{not_mapped}),
        Errno::XEN_EFAULT, "machphys_mapping");
    const int64_t last = memory(MemoryOp::XENMEM_maximum_ram_page, nullptr);
    check_equal(static_cast<uint64_t>(last), mapping.max_mfn, "maximum_ram_page");
    const hv::abi::MemoryDomain self{0x7ff0};
    check_equal(static_cast<uint64_t>(memory(MemoryOp::XENMEM_maximum_reservation, &self)),
                start_info().nr_pages, "maximum_reservation");
    const hv::abi::MemoryDomain nobody{99};
    for (const MemoryOp op :
         {MemoryOp::XENMEM_current_reservation, MemoryOp::XENMEM_maximum_reservation}) {
        check_error(memory(op, &nobody), Errno::XEN_ESRCH, "of nobody");
        check_error(hypercall(Hypercall::memory_op, op, uint64_t{not_mapped}), Errno::XEN_EFAULT,
                    "no argument");
    }
    check_error(memory(MemoryOp::XENMEM_machphys_mfn_list, nullptr), Errno::XEN_ENOSYS,
                "machphys_mfn_list");
    check_error(hypercall(Hypercall::memory_op, 63, uint64_t{0}), Errno::XEN_ENOSYS, "no such");
}

// Kernels in a translated guest put pages where they like; here all have their places.
void physmap() {
    hv::abi::AddToPhysmap add{};
    add.domid = 0x7ff0;
    add.gpfn = mfn_of(take_page());
    check_error(memory(MemoryOp::XENMEM_add_to_physmap, &add), Errno::XEN_EACCES, "add_to_physmap");
    hv::abi::AddToPhysmapBatch batch{};
    batch.domid = 0x7ff0;
    check_error(memory(MemoryOp::XENMEM_add_to_physmap_batch, &batch), Errno::XEN_EACCES,
                "add_to_physmap_batch");
    hv::abi::RemoveFromPhysmap remove{};
    remove.domid = 0x7ff0;
    remove.gpfn = hv::abi::pv_shared_info_gfn;
    check_error(memory(MemoryOp::XENMEM_remove_from_physmap, &remove), Errno::XEN_EACCES,
                "remove_from_physmap");
    for (const MemoryOp op :
         {MemoryOp::XENMEM_add_to_physmap, MemoryOp::XENMEM_add_to_physmap_batch,
          MemoryOp::XENMEM_remove_from_physmap}) {
        check_error(hypercall(Hypercall::memory_op, op, uint64_t{not_mapped}), Errno::XEN_EFAULT,
                    "no argument");
    }
    for (const MemoryOp op : {MemoryOp::XENMEM_machine_memory_map, MemoryOp::XENMEM_claim_pages}) {
        check_error(memory(op, nullptr), Errno::XEN_EPERM, "of control domains");
    }
}

void memory_map() {
    hv::abi::E820Entry entries[32] = {};
    hv::abi::MemoryMap map{};
    map.nr_entries = std::size(entries);
    map.buffer = to_argument(+entries);
    check_result(memory(MemoryOp::XENMEM_memory_map, &map), 0, "memory_map");
    check(map.nr_entries > 0 && map.nr_entries <= std::size(entries), "has entries");
    check_equal(entries[0].type, hv::abi::E820_RAM, "RAM first");
    check_equal(entries[0].addr(), 0, "from 0");
    map.nr_entries = 1;
    map.buffer = not_mapped;
    check_error(memory(MemoryOp::XENMEM_memory_map, &map), Errno::XEN_EFAULT, "no buffer");
    map.buffer = hv::abi::pv_m2p_virt;
    check_error(memory(MemoryOp::XENMEM_memory_map, &map), Errno::XEN_EFAULT, "into the M2P");
    map.nr_entries = 0;
    check_result(memory(MemoryOp::XENMEM_memory_map, &map), 0, "no entries wanted");
    check_error(hypercall(Hypercall::memory_op, MemoryOp::XENMEM_memory_map, uint64_t{not_mapped}),
                Errno::XEN_EFAULT, "no argument");
}

void grant_table() {
    uint64_t frames[64] = {};
    hv::abi::GnttabSetupTable setup{};
    setup.dom = 0x7ff0;
    setup.nr_frames = 1;
    setup.frame_list = to_argument(+frames);
    const auto call = [&] {
        return hypercall(Hypercall::grant_table_op, hv::abi::GrantTableOp::GNTTABOP_setup_table,
                         &setup, 1);
    };
    check_result(call(), 0, "setup_table");
    check_equal(static_cast<uint16_t>(setup.status), 0, "GNTST_okay");
    map_page(window, frames[0] * page_bytes | pte::kernel);
    check_equal(word(window) >> 32, hv::abi::pv_console_gfn, "entry 0 is the console's");
    word(window + 511 * 8) = 0;
    setup.nr_frames = 1000;
    check_result(call(), 0, "setup_table with too many");
    check(setup.status != 0, "says so");
    setup.nr_frames = 1;
    setup.dom = 99;
    check_result(call(), 0, "setup_table of nobody");
    check(setup.status != 0, "says so");
    setup.dom = 0x7ff0;
    setup.frame_list = not_mapped;
    check_error(call(), Errno::XEN_EFAULT, "setup_table without a list");
}

void all() {
    balloon();
    bad_reservations();
    read_only_list();
    places();
    physmap();
    memory_map();
    grant_table();
}

}  // namespace

void pv::run() {
    run_both_ways(all);
}
