// SPDX-License-Identifier: Apache-2.0
// PageTable: a four-level long-mode page table over a pool of frames, used for nested page tables
// and for the hypervisor's own. It knows structure and sizes; what the flags mean is its user's
// business. [apm2] 5.3.
#pragma once

#include "hv/base/address.hpp"
#include "hv/base/result.hpp"

#include <cstdint>
#include <optional>

namespace hv::mm {

enum class PageTableError : uint8_t {
    NoTables,    // the pool is used up: refuse the operation
    BadAddress,  // beyond the address space: refuse the operation
};

// Frames for page tables, reserved for one table at boot. What is taken is zeroed.
class TablePool {
  public:
    constexpr TablePool() = default;
    constexpr TablePool(Mfn first, uint64_t count) : next_{first}, left_{count} {}
    [[nodiscard]] std::optional<Mfn> take();
    void give(Mfn table);
    [[nodiscard]] uint64_t left() const { return left_ + freed_count_; }

  private:
    Mfn next_{};
    uint64_t left_ = 0;
    Mfn freed_{};  // list through the first word of each freed table
    uint64_t freed_count_ = 0;
};

// What becomes of a table that no entry points to any more.
enum class FreedTables : uint8_t {
    Reused,  // back into the pool: no other processor walks this page table
    Kept,    // for good: until it flushes, a processor may still walk into it, at its old level
};

class PageTable {
  public:
    constexpr PageTable() = default;
    // `table_flags`: flags of entries that point to a lower table.
    Result<void, PageTableError> init(TablePool pool, uint64_t table_flags,
                                      FreedTables freed = FreedTables::Reused);

    // Maps `count` pages from page number `page`; uses 1G and 2M entries where both sides are
    // aligned, splits larger ones that are in the way, replaces what was mapped. On an error the
    // pages before the failing one are mapped.
    Result<void, PageTableError> map(uint64_t page, Mfn mfn, uint64_t count, uint64_t leaf_flags);
    // Unmapping what is not mapped is allowed.
    Result<void, PageTableError> unmap(uint64_t page, uint64_t count);

    struct Leaf {
        Mfn mfn;         // of this very page
        uint64_t entry;  // flags
    };
    [[nodiscard]] std::optional<Leaf> lookup(uint64_t page) const;
    // The first mapped page at or after this one. Holes are skipped table by table.
    [[nodiscard]] std::optional<uint64_t> next_mapped(uint64_t page) const;

    [[nodiscard]] Paddr root() const { return to_paddr(root_); }
    [[nodiscard]] uint64_t tables_left() const { return pool_.left(); }

    // An upper bound of the tables that `pages` pages can need, if they lie in at most `pieces`
    // contiguous ranges and every one is mapped by 4 KiB entries.
    static constexpr uint64_t tables_for(uint64_t pages, uint64_t pieces) {
        return 1 + pages / 512 + pages / (512 * 512) + pieces * 6;
    }

  private:
    uint64_t* walk_to(uint64_t page, unsigned level, bool create);
    Result<void, PageTableError> split(uint64_t& entry, unsigned level);
    [[nodiscard]] bool has_anything_at(uint64_t page, unsigned level) const;
    void free_subtree(uint64_t entry, unsigned level);

    Mfn root_{};
    uint64_t table_flags_ = 0;
    FreedTables freed_ = FreedTables::Reused;
    TablePool pool_;
};

}  // namespace hv::mm
