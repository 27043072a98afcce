// SPDX-License-Identifier: Apache-2.0
// The Multiboot 1 adapter: information block to BootInfo. [mb1] 3.3.
#pragma once

#include "hv/boot/boot_info.hpp"

namespace hv::boot {

inline constexpr uint32_t multiboot1_magic = 0x2badb002;  // in EAX at entry

// False: the block lacks a memory map, contradicts itself, or lists more ranges or modules than are
// supported.
bool from_multiboot1(Paddr information, BootInfo& out);

}  // namespace hv::boot
