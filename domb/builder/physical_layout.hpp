// SPDX-License-Identifier: Apache-2.0
// Guest physical layout of a PVH domain, as ARCHITECTURE.md has it, and the memory map that tells
// the domain so.
#pragma once

#include "hv/base/static_vector.hpp"

#include <cstddef>
#include <cstdint>

namespace builder::layout {

inline constexpr uint64_t low_ram_limit = 0xc0000000;  // the hole follows
inline constexpr uint64_t high_ram_start = 0x1'0000'0000;
inline constexpr uint64_t tables = 0x000e0000;  // ACPI, start info, command line
inline constexpr uint64_t tables_end = 0x00100000;
inline constexpr uint64_t event_log = 0xfc000000;
inline constexpr uint64_t tpm = 0xfed40000;
inline constexpr uint64_t tpm_bytes = 0x5000;
inline constexpr uint64_t special = 0xfeff8000;  // console ring at fefff000, Xenstore at feffc000
inline constexpr uint64_t special_end = 0xff000000;

constexpr uint64_t low_ram_end(uint64_t memory_bytes) {
    return memory_bytes < low_ram_limit ? memory_bytes : low_ram_limit;
}

// Types of INT 15 E820, which Xen's memory maps use.
enum class MemoryType : uint32_t { Ram = 1, Reserved = 2, Acpi = 3 };

struct MemoryRange {
    uint64_t gpaddr;
    uint64_t bytes;
    MemoryType type;
};

using MemoryMap = hv::StaticVector<MemoryRange, 8>;

// `log_bytes` is 0 for every domain but the one with the role tpm.
MemoryMap memory_map(uint64_t memory_bytes, uint64_t log_bytes);

}  // namespace builder::layout
