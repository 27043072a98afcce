// SPDX-License-Identifier: Apache-2.0
// The one address space of a small domain: guest virtual equals guest physical. 4 GiB are there
// from the start, more on request. Data is never executable, code and constants never writable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace rt {

struct Range {
    uint64_t address;
    uint64_t bytes;
};

// Takes write permission from code and constants, execute permission from all but code, and
// unmaps page 0 and the stack guard. Called once by rt_start.
void protect_image();

// Page-table pages that map_more needs for a range.
size_t tables_needed(Range range);

// Maps what lies above 4 GiB of `range`, writable. `tables` are zero-filled pages of our own RAM,
// as many as tables_needed says; they stay in use for good.
void map_more(Range range, std::span<std::byte> tables);

// The memory of a mapped range.
std::span<std::byte> bytes_of(Range range);

}  // namespace rt
