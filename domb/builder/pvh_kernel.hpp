// SPDX-License-Identifier: Apache-2.0
// A kernel file as PVH wants it: where it is loaded, and its 32-bit entry.
#pragma once

#include "domb/builder/elf.hpp"

namespace builder {

struct Kernel {
    uint32_t entry = 0;  // 32-bit PVH entry, within the contents of a segment
    Segments segments;
};

hv::Result<Kernel, Refusal> read_kernel(std::span<const std::byte> file);

}  // namespace builder
