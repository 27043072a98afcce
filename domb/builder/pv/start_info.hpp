// SPDX-License-Identifier: Apache-2.0
// What a PV kernel finds at RSI. [xen-pub] xen.h.
#pragma once

#include "domb/builder/pv/boot_layout.hpp"
#include "hv/abi/xen_pv_start_info.hpp"

#include <string_view>

namespace builder::pv {

struct StartInfoPlan {
    const BootLayout& layout;
    uint64_t pages = 0;
    uint64_t initrd_bytes = 0;
    std::string_view cmdline;     // fits: see construct.cpp
    uint32_t console_evtchn = 0;  // 0: nobody drains the ring
    uint32_t store_evtchn = 0;    // 0: there is no Xenstore
};

hv::abi::StartInfo make_start_info(const StartInfoPlan& plan);

}  // namespace builder::pv
