// SPDX-License-Identifier: Apache-2.0
// A page table against a plain array of pages, under random operations of every size, with pools
// that suffice and pools that do not.
#include "hv/mm/page_table.hpp"
#include "tests/unit/hv/mm/physical_memory.hpp"
#include "tests/unit/hv/mm/table_walk.hpp"

#include <algorithm>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace {

using hv::Mfn;
using hv::mm::PageTable;

constexpr uint64_t nothing = ~uint64_t{0};

class PageTableModel : public testing::TestWithParam<std::pair<unsigned, uint64_t>> {
  protected:
    static constexpr uint64_t page_count = 2 * 512 * 512 + 3000;  // two and a bit of 1 GiB

    PageTableModel() {
        EXPECT_TRUE(table_.init({Mfn{1}, tables_}, P | RW).ok());
        model_.assign(page_count, nothing);
    }
    uint64_t below(uint64_t limit) { return random_() % limit; }
    // Often at the borders of large pages, and of their sizes.
    uint64_t position(uint64_t limit) {
        const unsigned level = static_cast<unsigned>(below(3));
        const uint64_t at = below((limit >> (9 * level)) + 1) << (9 * level);
        const uint64_t off = below(4) == 0 ? below(3) : 0;
        return std::min(at + off, limit - 1);
    }
    uint64_t size(uint64_t limit) {
        constexpr uint64_t sizes[] = {1, 2, 511, 512, 513, 1024, 5000, 512 * 512};
        return std::min(sizes[below(std::size(sizes))], limit);
    }

    void map() {
        const uint64_t page = position(page_count);
        const uint64_t count = size(page_count - page);
        const uint64_t mfn = position(uint64_t{1} << 22);
        const uint64_t flags = P | (below(2) == 0 ? RW : 0) | (below(2) == 0 ? NX : 0);
        const bool ok = table_.map(page, Mfn{mfn}, count, flags).ok();
        for (uint64_t n = 0; n < count; ++n) {
            // On failure a first part is mapped: up to where the table says the new frame.
            if (!ok && !is_mapped_to(page + n, mfn + n, flags)) {
                break;
            }
            model_[page + n] = (mfn + n) << 12 | flags;
        }
    }
    [[nodiscard]] bool is_mapped_to(uint64_t page, uint64_t mfn, uint64_t flags) const {
        const auto seen = walk_table(table_.root(), page);
        return seen && seen->frame == mfn && (seen->entry & ~entry_address & ~PS) == flags;
    }
    void unmap() {
        const uint64_t page = position(page_count);
        const uint64_t count = size(page_count - page);
        const bool ok = table_.unmap(page, count).ok();
        for (uint64_t n = 0; n < count; ++n) {
            if (!ok && walk_table(table_.root(), page + n)) {
                break;
            }
            model_[page + n] = nothing;
        }
    }
    void expect_page(uint64_t page) const {
        const auto seen = walk_table(table_.root(), page);
        const uint64_t value =
            seen ? seen->frame << 12 | (seen->entry & ~entry_address & ~PS) : nothing;
        ASSERT_EQ(value, model_[page]) << std::hex << page;
        ASSERT_EQ(table_.lookup(page).has_value(), seen.has_value());
    }
    void expect_sample() {
        for (unsigned n = 0; n < 2000; ++n) {
            ASSERT_NO_FATAL_FAILURE(
                expect_page(below(2) == 0 ? position(page_count) : below(page_count)));
        }
    }
    // No table is lost, none is shared, and the free ones hold nothing that a walk would follow.
    void expect_pool_is_whole() const {
        const auto used = tables_of(table_.root());
        ASSERT_EQ(used.size() + table_.tables_left(), tables_);
        for (uint64_t frame = 1; frame <= tables_; ++frame) {
            const bool is_fresh = *table_entries(frame) == 0xa5a5a5a5a5a5a5a5;  // never taken
            ASSERT_TRUE(used.count(frame) == 1 || is_fresh || !has_present_entry(frame));
        }
    }

    std::mt19937 random_{GetParam().first};
    const uint64_t tables_ = GetParam().second;
    PhysicalMemory memory_{tables_ + 1};
    PageTable table_;
    std::vector<uint64_t> model_;
};

TEST_P(PageTableModel, random_operations_agree_with_an_array) {
    for (unsigned step = 0; step < 400; ++step) {
        below(3) == 0 ? unmap() : map();
        if (step % 20 == 0) {
            ASSERT_NO_FATAL_FAILURE(expect_sample()) << "step " << step;
            ASSERT_NO_FATAL_FAILURE(expect_pool_is_whole()) << "step " << step;
        }
    }
    for (uint64_t page = 0; page < page_count; page += 13) {
        ASSERT_NO_FATAL_FAILURE(expect_page(page));
    }
    expect_pool_is_whole();
}

// Enough tables, and pools that run dry.
INSTANTIATE_TEST_SUITE_P(SeedsAndPools, PageTableModel,
                         testing::Values(std::pair{1U, 1100}, std::pair{2U, 1100},
                                         std::pair{3U, 40}, std::pair{4U, 12}));

}  // namespace
