// SPDX-License-Identifier: Apache-2.0
// What boot has found out about the machine and made of it, step by step; the later steps take it.
#pragma once

#include "hv/boot/boot_info.hpp"
#include "hv/dev/acpi.hpp"
#include "hv/mm/arena.hpp"
#include "hv/mm/frame_table.hpp"
#include "hv/mm/host_map.hpp"

namespace hv::boot {

struct Machine {
    BootInfo info;
    dev::AcpiInfo acpi;
    mm::Extents free_frames;
    mm::HostMap host_map;
    mm::Arena arena{free_frames};
    uint32_t cpu_count = 1;
};

}  // namespace hv::boot
