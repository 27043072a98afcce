// SPDX-License-Identifier: Apache-2.0
// Where everything is that a PV kernel finds at its start: [xen-pub] xen.h, "start-of-day memory
// layout". A pure function of the kernel's notes and three sizes; construct.cpp writes what it
// says.
//
//     virt_base = pfn 0      kernel
//                            initrd, unless the kernel takes one that is not mapped
//                            p2m list, unless the kernel wants it mapped elsewhere (INIT_P2M)
//                            start_info, Xenstore page, console page
//                            page tables (L4, L3s, L2s, L1s), mapped read-only
//                            stack
//     multiple of 4 MiB      after at least 512 KiB; the end of what is mapped
//                            initrd, if it is not mapped
//                            p2m list and the page tables that map it at INIT_P2M, if it wants that
#pragma once

#include "domb/builder/pv/kernel.hpp"
#include "domb/builder/pv/p2m.hpp"
#include "domb/builder/pv/table_plan.hpp"

namespace builder::pv {

// [ours] The M2P has room for so many bytes of RAM: 64 GiB of machine frames less the hole.
inline constexpr uint64_t max_memory_bytes = uint64_t{63} << 30;

struct BootLayout {
    VirtualArea boot;  // pfn 0 on, at virt_base
    VirtualArea p2m;   // the list at INIT_P2M; no pages if it is in the boot area
    PageRun initrd;
    bool initrd_is_mapped = false;
    PageRun p2m_list;
    PageRun page_tables;  // of the boot area; the L4 is the first
    PageRun p2m_tables;   // what only the p2m list at INIT_P2M needs
    Pfn start_info;
    Pfn xenstore;
    Pfn console;
    Pfn stack;
    TablePlan tables;

    // Of a page of the boot area.
    [[nodiscard]] uint64_t virt(Pfn pfn) const {
        return boot.virt + (pfn.value() << hv::page_shift);
    }
};

// `pages` is the domain's memory.
Checked<BootLayout> lay_out(const Kernel& kernel, uint64_t initrd_bytes, uint64_t pages);

}  // namespace builder::pv
