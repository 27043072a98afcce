// SPDX-License-Identifier: Apache-2.0
#include "domb/builder/pv/start_info.hpp"

#include "hv/abi/pv_layout.hpp"
#include "hv/base/assert.hpp"

namespace builder::pv {

hv::abi::StartInfo make_start_info(const StartInfoPlan& plan) {
    const BootLayout& layout = plan.layout;
    hv::abi::StartInfo info{};
    constexpr std::string_view magic = "xen-3.0-x86_64";
    magic.copy(info.magic, sizeof(info.magic));
    info.nr_pages = plan.pages;
    info.shared_info = hv::abi::pv_shared_info_gfn << hv::page_shift;
    // Nobody reads a domain's p2m list from outside, so its kernel need not build the tree for
    // that.
    info.flags = hv::abi::SIF_VIRT_P2M_4TOOLS;
    info.store_mfn = hv::abi::pv_xenstore_gfn;
    info.store_evtchn = plan.store_evtchn;
    info.console.domU.mfn = hv::abi::pv_console_gfn;
    info.console.domU.evtchn = plan.console_evtchn;
    info.pt_base = layout.virt(layout.page_tables.first);
    info.nr_pt_frames = layout.page_tables.count;
    if (layout.p2m.pages != 0) {
        info.mfn_list = layout.p2m.virt;
        info.first_p2m_pfn = layout.p2m_list.first.value();
        info.nr_p2m_frames = layout.p2m_list.count + layout.p2m_tables.count;
    } else {
        info.mfn_list = layout.virt(layout.p2m_list.first);
    }
    if (layout.initrd.count != 0) {
        info.mod_len = plan.initrd_bytes;
        if (layout.initrd_is_mapped) {
            info.mod_start = layout.virt(layout.initrd.first);
        } else {
            info.mod_start = layout.initrd.first.value();
            info.flags |= hv::abi::SIF_MOD_START_PFN;
        }
    }
    ASSERT(plan.cmdline.size() < sizeof(info.cmd_line));
    plan.cmdline.copy(info.cmd_line, sizeof(info.cmd_line));
    return info;
}

}  // namespace builder::pv
