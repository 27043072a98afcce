// SPDX-License-Identifier: Apache-2.0
// Which frames are free when boot begins: the loader's memory map without what somebody uses. Logic
// only; memory.cpp builds the frame table and the host map of it.
#pragma once

#include "hv/boot/boot_info.hpp"
#include "hv/mm/extents.hpp"

namespace hv::boot {

// Whole frames inside the range, of the memory that is supported.
mm::Extent inner(const PhysicalRange& range);
// Every frame that the range touches.
mm::Extent outer(const PhysicalRange& range);

// Adds to `free` what the map calls RAM and nothing else claims. Ranges may overlap: firmware is
// known to list RAM twice, and to reserve parts of what it calls RAM.
Result<void, mm::ExtentError> find_free_frames(const BootInfo& info, const PhysicalRange& image,
                                               mm::Extents& free);

// The number of the first frame above all RAM.
uint64_t end_of_ram(const BootInfo& info);

}  // namespace hv::boot
