// SPDX-License-Identifier: Apache-2.0
// Reads a kernel: a statically linked x86-64 ELF with the note that makes it a PVH kernel. The file
// may be hostile; what comes out lies within it and does not overlap. Whether it fits into the
// domain's RAM is the placement's question (placement.hpp).
#pragma once

#include "domb/builder/refusal.hpp"
#include "hv/base/static_vector.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace builder {

inline constexpr size_t max_segments = 16;

struct Segment {
    std::span<const std::byte> contents;  // what is copied; the rest of memory_bytes is zero
    uint64_t gpaddr = 0;
    uint64_t memory_bytes = 0;  // not 0, and gpaddr + memory_bytes does not wrap

    [[nodiscard]] constexpr uint64_t end() const { return gpaddr + memory_bytes; }
};

using Segments = hv::StaticVector<Segment, max_segments>;

struct Kernel {
    uint32_t entry = 0;  // 32-bit PVH entry, within the contents of a segment
    Segments segments;
};

hv::Result<Kernel, Refusal> read_kernel(std::span<const std::byte> file);

}  // namespace builder
