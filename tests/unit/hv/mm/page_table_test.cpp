// SPDX-License-Identifier: Apache-2.0
#include "hv/mm/page_table.hpp"

#include "tests/unit/hv/mm/physical_memory.hpp"
#include "tests/unit/hv/mm/table_walk.hpp"

#include <gtest/gtest.h>

namespace {

using hv::Mfn;
using hv::mm::PageTable;
using hv::mm::PageTableError;
using hv::mm::TablePool;

constexpr uint64_t frames_2m = 512;
constexpr uint64_t frames_1g = 512 * 512;
constexpr uint64_t page_limit = uint64_t{1} << 36;

class PageTableTest : public testing::Test {
  protected:
    static constexpr uint64_t pool_frames = 64;
    static constexpr Mfn pool_first{1};

    void start(uint64_t tables = pool_frames) {
        ASSERT_TRUE(table.init({pool_first, tables}, P | RW | US).ok());
    }
    void map(uint64_t page, uint64_t mfn, uint64_t count, uint64_t flags = P | RW) {
        ASSERT_TRUE(table.map(page, Mfn{mfn}, count, flags).ok());
    }
    void unmap(uint64_t page, uint64_t count) { ASSERT_TRUE(table.unmap(page, count).ok()); }
    [[nodiscard]] std::optional<Walked> walk(uint64_t page) const {
        return walk_table(table.root(), page);
    }
    [[nodiscard]] uint64_t used(uint64_t tables = pool_frames) const {
        return tables - table.tables_left();
    }
    // The processor and lookup() see the same.
    void expect_page(uint64_t page, uint64_t mfn, unsigned level, uint64_t flags = P | RW) {
        const auto seen = walk(page);
        ASSERT_TRUE(seen) << std::hex << page;
        EXPECT_EQ(seen->frame, mfn) << std::hex << page;
        EXPECT_EQ(seen->level, level) << std::hex << page;
        EXPECT_EQ(seen->entry & ~entry_address, flags | (level > 0 ? PS : 0)) << std::hex << page;
        const auto found = table.lookup(page);
        ASSERT_TRUE(found);
        EXPECT_EQ(found->mfn, Mfn{mfn});
        EXPECT_EQ(found->entry, seen->entry);
    }
    void expect_nothing(uint64_t page) {
        EXPECT_FALSE(walk(page)) << std::hex << page;
        EXPECT_FALSE(table.lookup(page)) << std::hex << page;
    }

    PhysicalMemory memory{pool_frames + 1};
    PageTable table;
};

TEST_F(PageTableTest, new_table_maps_nothing) {
    start();
    EXPECT_EQ(used(), 1U);
    for (const uint64_t page : {uint64_t{0}, uint64_t{511}, frames_1g, page_limit - 1}) {
        expect_nothing(page);
    }
}

TEST_F(PageTableTest, one_page_takes_one_small_entry) {
    start();
    map(0x12345, 0x777, 1);
    expect_page(0x12345, 0x777, 0);
    expect_nothing(0x12344);
    expect_nothing(0x12346);
    EXPECT_EQ(used(), 4U);
}

TEST_F(PageTableTest, last_page_of_the_address_space) {
    start();
    map(page_limit - 1, 5, 1);
    expect_page(page_limit - 1, 5, 0);
}

TEST_F(PageTableTest, aligned_ranges_take_large_entries) {
    start();
    map(frames_2m, 3 * frames_2m, frames_2m);
    expect_page(frames_2m, 3 * frames_2m, 1);
    expect_page(2 * frames_2m - 1, 4 * frames_2m - 1, 1);
    EXPECT_EQ(used(), 3U);
    map(frames_1g, 5 * frames_1g, frames_1g);
    expect_page(frames_1g + 77, 5 * frames_1g + 77, 2);
    EXPECT_EQ(used(), 3U);
}

TEST_F(PageTableTest, there_is_no_entry_larger_than_1g) {
    start();
    map(0, 0, 512 * frames_1g);
    expect_page(511 * frames_1g, 511 * frames_1g, 2);
    EXPECT_EQ(used(), 2U);
}

TEST_F(PageTableTest, size_follows_the_alignment_of_both_sides) {
    start();
    map(0, 1, frames_2m);  // only the page side is aligned
    expect_page(0, 1, 0);
    map(frames_1g, frames_2m, frames_1g);  // 2 MiB is the best for both
    expect_page(frames_1g, frames_2m, 1);
    map(3 * frames_2m, 0, frames_2m - 1);  // aligned, but one page short
    expect_page(3 * frames_2m, 0, 0);
}

TEST_F(PageTableTest, unaligned_ends_are_small_and_the_middle_large) {
    start();
    map(frames_2m - 3, 4 * frames_2m - 3, 3 + 2 * frames_2m + 5);
    expect_nothing(frames_2m - 4);
    expect_page(frames_2m - 3, 4 * frames_2m - 3, 0);
    expect_page(frames_2m, 4 * frames_2m, 1);
    expect_page(2 * frames_2m, 5 * frames_2m, 1);
    expect_page(3 * frames_2m + 4, 6 * frames_2m + 4, 0);
    expect_nothing(3 * frames_2m + 5);
}

TEST_F(PageTableTest, replaced_page_splits_what_is_large) {
    start();
    const uint64_t flags = P | RW | US | PCD | NX;
    map(0, frames_1g, frames_1g, flags);
    map(1000, 7, 1, P);
    expect_page(1000, 7, 0, P);
    expect_page(999, frames_1g + 999, 0, flags);
    expect_page(1001, frames_1g + 1001, 0, flags);
    expect_page(511, frames_1g + 511, 1, flags);
    expect_page(frames_1g - 1, 2 * frames_1g - 1, 1, flags);
    EXPECT_EQ(used(), 4U);
}

TEST_F(PageTableTest, large_entry_replaces_and_frees_small_ones) {
    start();
    map(0, 1, frames_2m + 9);
    EXPECT_EQ(used(), 5U);
    map(0, frames_2m, frames_2m);
    expect_page(3, frames_2m + 3, 1);
    expect_page(frames_2m + 8, frames_2m + 9, 0);
    EXPECT_EQ(used(), 4U);
    map(0, 0, frames_1g);
    expect_page(frames_2m + 8, frames_2m + 8, 2);
    EXPECT_EQ(used(), 2U);
}

TEST_F(PageTableTest, unmapping_cuts_a_hole_into_a_large_entry) {
    start();
    map(0, frames_2m, frames_2m);
    unmap(100, 3);
    expect_page(99, frames_2m + 99, 0);
    for (uint64_t page = 100; page < 103; ++page) {
        expect_nothing(page);
    }
    expect_page(103, frames_2m + 103, 0);
}

TEST_F(PageTableTest, unmapping_what_is_not_there_takes_no_table) {
    start();
    unmap(0, page_limit);
    unmap(12345, 1);
    map(0, 0, 1);
    const uint64_t before = used();
    unmap(1, page_limit - 1);
    EXPECT_EQ(used(), before);
    expect_page(0, 0, 0);
}

TEST_F(PageTableTest, unmapping_everything_frees_all_lower_tables) {
    start();
    map(3, 3, 5000);
    map(7 * frames_1g + 1, 1, 1);
    unmap(0, page_limit);
    expect_nothing(3);
    expect_nothing(7 * frames_1g + 1);
    // The upper levels stay: 1 GiB is the largest piece that is looked at.
    EXPECT_EQ(used(), tables_of(table.root()).size());
    EXPECT_LE(used(), 2U);
}

TEST_F(PageTableTest, freed_tables_are_taken_again) {
    start(5);
    for (int round = 0; round < 100; ++round) {
        map(0, 1, 2 * frames_2m);  // three levels below the root, two tables at the lowest
        EXPECT_EQ(table.tables_left(), 0U);
        unmap(0, 2 * frames_2m);
        EXPECT_EQ(table.tables_left(), 2U);
    }
}

TEST_F(PageTableTest, empty_ranges_are_allowed) {
    start();
    map(0, 0, 0);
    unmap(0, 0);
    EXPECT_EQ(used(), 1U);
}

TEST_F(PageTableTest, addresses_beyond_48_bits_are_refused) {
    start();
    constexpr uint64_t most = ~uint64_t{0};
    for (const auto& [page, count] :
         {std::pair{page_limit, uint64_t{1}}, std::pair{page_limit - 1, uint64_t{2}},
          std::pair{most, uint64_t{1}}, std::pair{most, uint64_t{2}}, std::pair{uint64_t{1}, most},
          std::pair{uint64_t{1}, page_limit}}) {
        const auto mapped = table.map(page, Mfn{0}, count, P);
        ASSERT_FALSE(mapped.ok());
        EXPECT_EQ(mapped.error(), PageTableError::BadAddress);
        const auto unmapped = table.unmap(page, count);
        ASSERT_FALSE(unmapped.ok());
        EXPECT_EQ(unmapped.error(), PageTableError::BadAddress);
    }
    EXPECT_EQ(used(), 1U);
    EXPECT_FALSE(table.lookup(page_limit));
    EXPECT_FALSE(table.lookup(most));
}

TEST_F(PageTableTest, empty_pool_makes_no_table) {
    const auto made = table.init({pool_first, 0}, P);
    ASSERT_FALSE(made.ok());
    EXPECT_EQ(made.error(), PageTableError::NoTables);
}

// Every allocation fails once; what was mapped before the failing page stays, nothing else appears.
TEST_F(PageTableTest, mapping_without_tables_keeps_what_it_did) {
    constexpr uint64_t first = frames_1g - 2;
    constexpr uint64_t count = 2 + frames_2m + 1;  // ends in another 1G, another 2M
    bool succeeded = false;
    for (uint64_t tables = 1; !succeeded; ++tables) {
        ASSERT_LE(tables, 10U);
        PageTable t;
        ASSERT_TRUE(t.init({pool_first, tables}, P | RW).ok());
        const auto mapped = t.map(first, Mfn{first}, count, P | RW);
        succeeded = mapped.ok();
        bool still = true;
        for (uint64_t page = first; page < first + count; ++page) {
            const auto seen = walk_table(t.root(), page);
            still = still && seen.has_value();
            ASSERT_EQ(seen.has_value(), still) << "a page after a missing one";
            ASSERT_TRUE(!seen || seen->frame == page);
        }
        EXPECT_EQ(still, succeeded);
        if (!succeeded) {
            EXPECT_EQ(mapped.error(), PageTableError::NoTables);
            EXPECT_EQ(t.tables_left(), 0U);
        }
        EXPECT_EQ(tables_of(t.root()).size() + t.tables_left(), tables);
    }
}

TEST_F(PageTableTest, split_without_tables_changes_nothing) {
    for (uint64_t tables = 2; tables < 4; ++tables) {  // one and two splits are needed
        PageTable t;
        ASSERT_TRUE(t.init({pool_first, tables}, P | RW).ok());
        ASSERT_TRUE(t.map(0, Mfn{0}, frames_1g, P | RW).ok());
        for (const bool is_map : {true, false}) {
            const auto changed = is_map ? t.map(5, Mfn{9}, 1, P) : t.unmap(5, 1);
            ASSERT_FALSE(changed.ok());
            EXPECT_EQ(changed.error(), PageTableError::NoTables);
            for (const uint64_t page : {uint64_t{0}, uint64_t{5}, frames_2m, frames_1g - 1}) {
                const auto seen = walk_table(t.root(), page);
                ASSERT_TRUE(seen);
                EXPECT_EQ(seen->frame, page);
            }
        }
    }
}

TEST_F(PageTableTest, freed_table_has_no_present_entry) {
    start();
    map(0, 1, 3 * frames_2m);
    const auto before = tables_of(table.root());
    unmap(0, frames_1g);
    const auto after = tables_of(table.root());
    EXPECT_LT(after.size(), before.size());
    for (const uint64_t frame : before) {
        EXPECT_TRUE(after.count(frame) == 1 || !has_present_entry(frame)) << frame;
    }
}

TEST_F(PageTableTest, bound_of_tables_suffices) {
    // Two pieces at the worst places: each crosses a border of every level.
    const uint64_t pages = 2 * 3000;
    const uint64_t tables = PageTable::tables_for(pages, 2);
    ASSERT_LE(tables, pool_frames);
    start(tables);
    map(512 * frames_1g - 1500, 1, 3000);
    map(1024 * frames_1g - 1500, 1, 3000);
}

TEST(TablePoolTest, takes_each_frame_once_zeroed) {
    PhysicalMemory memory{4};
    TablePool pool{Mfn{1}, 3};
    for (uint64_t n = 1; n <= 3; ++n) {
        const auto taken = pool.take();
        ASSERT_TRUE(taken);
        EXPECT_EQ(*taken, Mfn{n});
        for (unsigned i = 0; i < 512; ++i) {
            ASSERT_EQ(table_entries(n)[i], 0U);
        }
    }
    EXPECT_FALSE(pool.take());
    EXPECT_EQ(pool.left(), 0U);
}

TEST(TablePoolTest, gives_back_what_it_got_zeroed) {
    PhysicalMemory memory{4};
    TablePool pool{Mfn{1}, 3};
    while (pool.take()) {
    }
    for (const uint64_t n : {2, 1, 3}) {
        std::memset(hv::mm::direct_map(Mfn{n}), 0xff, hv::page_size);
        pool.give(Mfn{n});
        EXPECT_FALSE(has_present_entry(n));
    }
    EXPECT_EQ(pool.left(), 3U);
    std::set<uint64_t> seen;
    while (const auto taken = pool.take()) {
        seen.insert(taken->value());
        for (unsigned i = 0; i < 512; ++i) {
            ASSERT_EQ(table_entries(taken->value())[i], 0U);
        }
    }
    EXPECT_EQ(seen, (std::set<uint64_t>{1, 2, 3}));
}

}  // namespace
