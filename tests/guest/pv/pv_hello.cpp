// SPDX-License-Identifier: Apache-2.0
// Start of day, as [xen-pub] xen.h has it: every field of start_info, the p2m list and the M2P as
// its inverse, the first page tables, the registers and selectors. Options: "permuted" if the plan
// says so, "init_p2m" for the kernel that wants its list mapped elsewhere.
#include "hv/abi/pv_layout.hpp"
#include "hv/abi/xen_pv.hpp"
#include "tests/guest/pv/rt/kernel.hpp"
#include "tests/guest/pv/rt/pages.hpp"
#include "tests/guest/pv/rt/traps.hpp"

namespace {

using namespace pv;

constexpr uint64_t invalid = hv::abi::pv_invalid_m2p_entry;

void check_start_info() {
    const hv::abi::StartInfo& info = start_info();
    check(std::string_view{info.magic} == "xen-3.0-x86_64", "magic");
    check(info.nr_pages >= 4096 && info.nr_pages <= 16384, "nr_pages is the plan's 16 to 64 MiB");
    check_equal(info.shared_info % page_bytes, 0, "shared_info is a page");
    check_equal(info.flags & 3, 0, "not privileged, not initial");
    check(info.console.domU.mfn != 0 && info.console.domU.evtchn != 0, "a console");
    check_equal(pv_first_rsi % page_bytes, 0, "start_info begins a page");
    check_equal(info.pt_base % page_bytes, 0, "pt_base is a page");
    check(info.nr_pt_frames >= 4, "at least one table of each level");
    check(info.cmd_line[0] != '\0', "a command line");
    if (has_option("init_p2m")) {
        check_equal(info.mfn_list, PV_INIT_P2M_VIRT, "the list is where INIT_P2M says");
        check(info.first_p2m_pfn != 0, "first_p2m_pfn");
        check(info.nr_p2m_frames >= (info.nr_pages * 8 + 4095) / page_bytes, "nr_p2m_frames");
    } else {
        check(info.mfn_list > virt_base && info.mfn_list < pv_first_rsi, "mfn_list before it");
        check_equal(info.first_p2m_pfn, 0, "no first_p2m_pfn");
    }
}

// The builder's order: image, list, start_info, Xenstore, console, page tables, stack.
void check_order() {
    const hv::abi::StartInfo& info = start_info();
    const uint64_t self = pfn_at(pv_first_rsi);
    check_equal(pfn_of(info.console.domU.mfn), self + 2, "console page");
    check_equal(pfn_of(info.store_mfn), self + 1, "Xenstore page");
    check_equal(pfn_at(info.pt_base), self + 3, "page tables");
    check_equal(pv_first_rsp, info.pt_base + (info.nr_pt_frames + 1) * page_bytes, "stack");
}

void check_lists() {
    const uint64_t pages = start_info().nr_pages;
    uint64_t in_place = 0;
    for (uint64_t pfn = 0; pfn < pages; ++pfn) {
        const uint64_t mfn = mfn_of(pfn);
        if (pfn_of(mfn) != pfn) {
            check_equal(pfn_of(mfn), pfn, "the M2P is not the list's inverse");
            return;
        }
        in_place += mfn == pfn ? 1U : 0U;
    }
    if (has_option("permuted")) {
        check_equal(in_place, 0, "pages in their place, permuted");
    } else {
        check_equal(in_place, pages - 2,
                    "pages in their place");  // but Xenstore's and the console's
    }
    check_equal(pfn_of(0x80000), invalid, "the M2P of a frame of nobody");
}

void check_tables() {
    extern const char pv_image_start[] asm("pv_image_start");
    const auto image = reinterpret_cast<uint64_t>(pv_image_start);
    const hv::abi::StartInfo& info = start_info();
    for (const uint64_t virt : {virt_base, image, pv_first_rsi, pv_first_rsp - 8}) {
        check_equal(entry_of(virt) & (pte::address | pte::P | pte::RW | pte::US),
                    machine_of(virt & ~uint64_t{4095}) | pte::P | pte::RW, "a page's entry");
    }
    for (uint64_t i = 0; i < info.nr_pt_frames; ++i) {
        check_equal(entry_of(info.pt_base + i * page_bytes) & (pte::P | pte::RW), pte::P,
                    "page tables are read-only");
    }
    const uint64_t end = (pv_first_rsp + (512 << 10) + (4 << 20) - 1) & ~uint64_t{(4 << 20) - 1};
    check_equal(entry_of(end - page_bytes) & pte::P, pte::P, "mapped up to a multiple of 4 MiB");
    check_equal(entry_of(end) & pte::P, 0, "and no further");
    check_equal(entry_of(hv::abi::pv_m2p_virt, 4) & pte::P, pte::P, "the M2P's slot");
}

void check_faults() {
    const auto read = [](void* at) {
        [[maybe_unused]] const uint64_t value = word(reinterpret_cast<uint64_t>(at));
    };
    const auto write = [](void* at) { word(reinterpret_cast<uint64_t>(at)) = 0; };
    const auto fault = [](const Seen& seen, uint64_t error, uint64_t at, std::string_view what) {
        check(seen.happened && seen.trap.number == 14, what);
        check_equal(seen.trap.error, error, what);
        check_equal(seen.cr2, at, what);
    };
    fault(attempt(read, nullptr), 0, 0, "a read of nothing");
    const uint64_t m2p = hv::abi::pv_m2p_virt;
    fault(attempt(write, reinterpret_cast<void*>(m2p)), 3, m2p, "a write to the M2P");
    const uint64_t root = start_info().pt_base;
    fault(attempt(write, reinterpret_cast<void*>(root)), 3, root, "a write to the L4");
}

// Which selectors work; that frames have the ABI's is pv_traps' concern.
void check_selectors() {
    for (const uint16_t selector : {uint16_t{0xe02b}, uint16_t{0}}) {
        uint16_t back = 0xffff;
        // SAFETY: both are data segments, or null, that 64-bit code does not use.
        asm volatile("mov %1, %%es; mov %%es, %0" : "=r"(back) : "r"(selector));
        check_equal(back, selector, "a data selector");
    }
}

}  // namespace

void pv::run() {
    check_start_info();
    check_order();
    check_lists();
    check_tables();
    check_faults();
    check_selectors();
    check_equal(vcpu_info().evtchn_upcall_mask, 1, "events are masked at the start");
}
