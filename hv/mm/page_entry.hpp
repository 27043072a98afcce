// SPDX-License-Identifier: Apache-2.0
// Long-mode page-table entries, for the hypervisor's own tables, nested tables and the walk of a
// guest's tables. [apm2] 5.3, 15.25.
#pragma once

#include "hv/base/address.hpp"

#include <cstdint>

namespace hv::mm::pte {

inline constexpr uint64_t P = 1 << 0;
inline constexpr uint64_t RW = 1 << 1;
inline constexpr uint64_t US = 1 << 2;
inline constexpr uint64_t PWT = 1 << 3;
inline constexpr uint64_t PCD = 1 << 4;
inline constexpr uint64_t A = 1 << 5;
inline constexpr uint64_t D = 1 << 6;
inline constexpr uint64_t PS = 1 << 7;
inline constexpr uint64_t NX = uint64_t{1} << 63;
inline constexpr uint64_t address_mask = 0x000ffffffffff000;

// Levels count from 0 (4 KiB) to 3 (the root of four-level tables).
inline constexpr unsigned root_level = 3;
inline constexpr uint64_t entries = 512;  // of a table
inline constexpr uint64_t entry_bytes = 8;
constexpr uint64_t frames_per_entry(unsigned level) {
    return uint64_t{1} << (9 * level);
}
constexpr uint64_t index(uint64_t frame, unsigned level) {
    return (frame >> (9 * level)) & (entries - 1);
}
constexpr Mfn frame(uint64_t entry) {
    return Mfn{(entry & address_mask) >> page_shift};
}

}  // namespace hv::mm::pte
