// SPDX-License-Identifier: Apache-2.0
#include "hv/mm/page_table.hpp"

#include "hv/mm/direct_map.hpp"
#include "hv/mm/page_entry.hpp"

#include <algorithm>
#include <atomic>

namespace hv::mm {

namespace {

constexpr uint64_t page_limit = uint64_t{1} << 36;  // 48-bit addresses

bool is_leaf(uint64_t entry, unsigned level) {
    return level == 0 || (entry & pte::PS) != 0;
}

uint64_t* table(Mfn mfn) {
    return direct_map_as<uint64_t>(to_paddr(mfn));
}

// An entry that processors may be walking: in one store, and not before the table it points to.
void publish(uint64_t& entry, uint64_t value) {
    std::atomic_ref{entry}.store(value, std::memory_order_release);
}

// The largest level whose entry at `page` may hold mfn and covers at most `count` frames.
unsigned best_level(uint64_t page, Mfn mfn, uint64_t count) {
    unsigned level = 0;
    while (level < 2) {
        const uint64_t size = pte::frames_per_entry(level + 1);
        if (((page | mfn.value()) & (size - 1)) != 0 || count < size) {
            break;
        }
        ++level;
    }
    return level;
}

}  // namespace

std::optional<Mfn> TablePool::take() {
    if (freed_count_ > 0) {
        const Mfn mfn = freed_;
        freed_ = to_mfn(Paddr{table(mfn)[0]});
        table(mfn)[0] = 0;
        --freed_count_;
        return mfn;
    }
    if (left_ == 0) {
        return std::nullopt;
    }
    const Mfn mfn = next_;
    next_ = next_ + 1;
    --left_;
    std::fill_n(table(mfn), 512, 0);
    return mfn;
}

void TablePool::give(Mfn mfn) {
    std::fill_n(table(mfn), 512, 0);
    // An address without flags: a stale walk that reads it finds nothing present.
    table(mfn)[0] = to_paddr(freed_).value();
    freed_ = mfn;
    ++freed_count_;
}

Result<void, PageTableError> PageTable::init(TablePool pool, uint64_t table_flags,
                                             FreedTables freed) {
    pool_ = pool;
    table_flags_ = table_flags;
    freed_ = freed;
    const auto root = pool_.take();
    if (!root) {
        return Err{PageTableError::NoTables};
    }
    root_ = *root;
    return Ok{};
}

Result<void, PageTableError> PageTable::split(uint64_t& entry, unsigned level) {
    const auto lower = pool_.take();
    if (!lower) {
        return Err{PageTableError::NoTables};
    }
    const uint64_t step = pte::frames_per_entry(level - 1);
    const uint64_t flags = entry & ~pte::address_mask & ~(level - 1 == 0 ? pte::PS : 0);
    for (uint64_t i = 0; i < 512; ++i) {
        table(*lower)[i] = to_paddr(pte::frame(entry) + i * step).value() | flags;
    }
    publish(entry, to_paddr(*lower).value() | table_flags_);
    return Ok{};
}

// The entry of that level for the page; nullptr if a table is missing and may not or cannot be
// created, or a large entry cannot be split for want of tables.
uint64_t* PageTable::walk_to(uint64_t page, unsigned level, bool create) {
    Mfn at = root_;
    for (unsigned l = pte::root_level;; --l) {
        uint64_t& entry = table(at)[pte::index(page, l)];
        if (l == level) {
            return &entry;
        }
        if ((entry & pte::P) == 0) {
            const auto lower = create ? pool_.take() : std::nullopt;
            if (!lower) {
                return nullptr;
            }
            publish(entry, to_paddr(*lower).value() | table_flags_);
        } else if (is_leaf(entry, l) && !split(entry, l).ok()) {
            return nullptr;
        }
        at = pte::frame(entry);
    }
}

void PageTable::free_subtree(uint64_t entry, unsigned level) {
    if (freed_ == FreedTables::Kept || (entry & pte::P) == 0 || is_leaf(entry, level)) {
        return;
    }
    for (uint64_t i = 0; i < 512; ++i) {
        free_subtree(table(pte::frame(entry))[i], level - 1);
    }
    pool_.give(pte::frame(entry));
}

Result<void, PageTableError> PageTable::map(uint64_t page, Mfn mfn, uint64_t count,
                                            uint64_t leaf_flags) {
    if (count > page_limit || page > page_limit - count) {
        return Err{PageTableError::BadAddress};
    }
    while (count > 0) {
        const unsigned level = best_level(page, mfn, count);
        uint64_t* entry = walk_to(page, level, true);
        if (entry == nullptr) {
            return Err{PageTableError::NoTables};
        }
        const uint64_t old = *entry;
        publish(*entry, to_paddr(mfn).value() | leaf_flags | (level > 0 ? pte::PS : 0));
        free_subtree(old, level);
        const uint64_t done = pte::frames_per_entry(level);
        page += done;
        mfn = mfn + done;
        count -= done;
    }
    return Ok{};
}

Result<void, PageTableError> PageTable::unmap(uint64_t page, uint64_t count) {
    if (count > page_limit || page > page_limit - count) {
        return Err{PageTableError::BadAddress};
    }
    while (count > 0) {
        const unsigned level = best_level(page, Mfn{0}, count);
        const uint64_t step = pte::frames_per_entry(level);
        if (!has_anything_at(page, level)) {
            page += step;
            count -= step;
            continue;
        }
        uint64_t* entry = walk_to(page, level, false);
        if (entry == nullptr) {
            return Err{PageTableError::NoTables};
        }
        const uint64_t old = *entry;
        publish(*entry, 0);
        free_subtree(old, level);
        page += step;
        count -= step;
    }
    return Ok{};
}

bool PageTable::has_anything_at(uint64_t page, unsigned level) const {
    Mfn at = root_;
    for (unsigned l = pte::root_level;; --l) {
        const uint64_t entry = table(at)[pte::index(page, l)];
        if ((entry & pte::P) == 0) {
            return false;
        }
        if (l == level || is_leaf(entry, l)) {
            return true;
        }
        at = pte::frame(entry);
    }
}

std::optional<PageTable::Leaf> PageTable::lookup(uint64_t page) const {
    if (page >= page_limit) {
        return std::nullopt;
    }
    Mfn at = root_;
    for (unsigned level = pte::root_level;; --level) {
        const uint64_t entry = table(at)[pte::index(page, level)];
        if ((entry & pte::P) == 0) {
            return std::nullopt;
        }
        if (is_leaf(entry, level)) {
            const uint64_t offset = page & (pte::frames_per_entry(level) - 1);
            return Leaf{pte::frame(entry) + offset, entry};
        }
        at = pte::frame(entry);
    }
}

std::optional<uint64_t> PageTable::next_mapped(uint64_t page) const {
    Mfn at = root_;
    for (unsigned level = pte::root_level; page < page_limit;) {
        const uint64_t entry = table(at)[pte::index(page, level)];
        if ((entry & pte::P) == 0) {
            // Behind the hole the walk starts anew: that may be in another table.
            const uint64_t size = pte::frames_per_entry(level);
            page = (page / size + 1) * size;
            level = pte::root_level;
            at = root_;
        } else if (is_leaf(entry, level)) {
            return page;
        } else {
            at = pte::frame(entry);
            --level;
        }
    }
    return std::nullopt;
}

}  // namespace hv::mm
