// SPDX-License-Identifier: Apache-2.0
// Page tables as the processor reads them: written from the manual, not with the code under test.
// [apm2] 5.3.
#pragma once

#include "hv/base/address.hpp"
#include "hv/mm/direct_map.hpp"

#include <cstdint>
#include <optional>
#include <set>

// Bits of an entry ([apm2] 5.4.1), written out apart from the product's.
inline constexpr uint64_t P = 1, RW = 2, US = 4, PWT = 8, PCD = 16, PS = 0x80;
inline constexpr uint64_t NX = uint64_t{1} << 63;

// The 512 entries of a table.
inline const uint64_t* table_entries(uint64_t frame) {
    return hv::mm::direct_map_as<const uint64_t>(hv::Paddr{frame << 12});
}

struct Walked {
    uint64_t frame = 0;    // the machine frame of the page
    uint64_t entry = 0;    // the leaf
    unsigned level = 0;    // of the leaf: 0 is 4 KiB, 2 is 1 GiB
    bool writable = true;  // every level allows it
    bool executable = true;
};

inline constexpr uint64_t entry_address = 0x000ffffffffff000;

// What the processor finds for a page number; nothing: not present.
inline std::optional<Walked> walk_table(hv::Paddr root, uint64_t page) {
    Walked found;
    uint64_t table = root.value() >> 12;
    for (unsigned level = 4; level-- > 0;) {
        const uint64_t entry = table_entries(table)[(page >> (9 * level)) & 511];
        if ((entry & 1) == 0) {
            return std::nullopt;
        }
        found.writable = found.writable && (entry & 2) != 0;
        found.executable = found.executable && (entry >> 63) == 0;
        table = (entry & entry_address) >> 12;
        if (level == 0 || (entry & 0x80) != 0) {
            found.entry = entry;
            found.level = level;
            found.frame = table + (page & ((uint64_t{1} << (9 * level)) - 1));
            return found;
        }
    }
    return std::nullopt;
}

// The frames of every table below (and with) `table`.
inline void collect_tables(uint64_t table, unsigned level, std::set<uint64_t>& into) {
    into.insert(table);
    if (level == 0) {
        return;
    }
    for (unsigned i = 0; i < 512; ++i) {
        const uint64_t entry = table_entries(table)[i];
        if ((entry & 1) != 0 && (entry & 0x80) == 0) {
            collect_tables((entry & entry_address) >> 12, level - 1, into);
        }
    }
}
inline std::set<uint64_t> tables_of(hv::Paddr root) {
    std::set<uint64_t> found;
    collect_tables(root.value() >> 12, 3, found);
    return found;
}

inline bool has_present_entry(uint64_t table) {
    for (unsigned i = 0; i < 512; ++i) {
        if ((table_entries(table)[i] & 1) != 0) {
            return true;
        }
    }
    return false;
}
