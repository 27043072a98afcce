// SPDX-License-Identifier: Apache-2.0
// Which page tables map an area of a 64-bit address space, and which pfns they get. [apm2] 5.3.
// A table of level n maps 2^(9n) pages; it is named by its level and by the number that the pages'
// virtual page numbers share, shifted right by 9n. The L4 is table (4, 0).
#pragma once

#include "domb/builder/pv/p2m.hpp"
#include "hv/base/static_vector.hpp"

#include <cstdint>
#include <optional>

namespace builder::pv {

struct PageRun {
    Pfn first;
    uint64_t count = 0;

    [[nodiscard]] constexpr Pfn end() const { return first + count; }
    [[nodiscard]] constexpr bool contains(Pfn pfn) const { return pfn >= first && pfn < end(); }
};

// Pages that follow one another in virtual and pseudo-physical memory.
struct VirtualArea {
    uint64_t virt = 0;  // canonical, whole pages
    uint64_t pages = 0;
    Pfn first;

    // Virtual page numbers, without the bits that only repeat bit 47.
    [[nodiscard]] constexpr uint64_t first_page() const {
        return (virt & 0xffff'ffff'ffff) >> hv::page_shift;
    }
    [[nodiscard]] constexpr uint64_t end_page() const { return first_page() + pages; }
};

struct TableName {
    unsigned level = 0;   // 1 to 4
    uint64_t number = 0;  // virtual page number >> 9 * level
};

class TablePlan {
  public:
    // Adds what `area` needs and is not there yet, from pfn `first` on, highest level first, and
    // says how many. `area` has pages, and must not overlap what was added before. At most two.
    uint64_t add(const VirtualArea& area, Pfn first);

    [[nodiscard]] std::optional<Pfn> find(TableName table) const;
    // The table at a pfn that `add` gave out.
    [[nodiscard]] TableName name_of(Pfn pfn) const;

  private:
    struct Run {
        unsigned level = 0;
        uint64_t first_number = 0;
        PageRun pages;
    };
    hv::StaticVector<Run, 8> runs_;
};

}  // namespace builder::pv
