// SPDX-License-Identifier: Apache-2.0
#include "hv/mm/extents.hpp"

#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace {

using hv::Mfn;
using hv::mm::Extent;
using hv::mm::ExtentError;
using hv::mm::Extents;
using Ranges = std::vector<std::pair<uint64_t, uint64_t>>;  // first, count

constexpr size_t max_ranges = 256;

Extent range(uint64_t first, uint64_t count) {
    return {Mfn{first}, count};
}
Ranges ranges_of(const Extents& e) {
    Ranges all;
    for (const Extent& r : e.ranges()) {
        all.emplace_back(r.first.value(), r.count);
    }
    return all;
}
Extents with(const Ranges& all) {
    Extents e;
    for (const auto& [first, count] : all) {
        EXPECT_TRUE(e.add(range(first, count)).ok());
    }
    return e;
}
// As many ranges as fit: two frames at 0, 4, 8, ...
Extents full() {
    Extents e;
    for (uint64_t n = 0; n < max_ranges; ++n) {
        EXPECT_TRUE(e.add(range(4 * n, 2)).ok());
    }
    return e;
}

TEST(Extents, ranges_are_kept_sorted) {
    EXPECT_EQ(ranges_of(with({{30, 2}, {10, 2}, {20, 2}})), (Ranges{{10, 2}, {20, 2}, {30, 2}}));
}

TEST(Extents, added_range_joins_what_it_touches) {
    EXPECT_EQ(ranges_of(with({{10, 2}, {12, 3}})), (Ranges{{10, 5}}));
    EXPECT_EQ(ranges_of(with({{12, 3}, {10, 2}})), (Ranges{{10, 5}}));
    EXPECT_EQ(ranges_of(with({{10, 2}, {14, 2}, {12, 2}})), (Ranges{{10, 6}}));
    EXPECT_EQ(ranges_of(with({{10, 2}, {13, 2}})), (Ranges{{10, 2}, {13, 2}}));
}

TEST(Extents, empty_range_adds_nothing) {
    EXPECT_EQ(ranges_of(with({{10, 2}, {20, 0}})), (Ranges{{10, 2}}));
}

TEST(Extents, removal_cuts_ends_and_splits) {
    Extents e = with({{10, 10}});
    ASSERT_TRUE(e.remove(range(8, 4)).ok());
    EXPECT_EQ(ranges_of(e), (Ranges{{12, 8}}));
    ASSERT_TRUE(e.remove(range(18, 5)).ok());
    EXPECT_EQ(ranges_of(e), (Ranges{{12, 6}}));
    ASSERT_TRUE(e.remove(range(14, 1)).ok());
    EXPECT_EQ(ranges_of(e), (Ranges{{12, 2}, {15, 3}}));
    EXPECT_EQ(e.free_count(), 5U);
}

TEST(Extents, removal_spans_ranges_and_holes) {
    Extents e = with({{0, 4}, {10, 4}, {20, 4}, {30, 4}});
    ASSERT_TRUE(e.remove(range(2, 30)).ok());
    EXPECT_EQ(ranges_of(e), (Ranges{{0, 2}, {32, 2}}));
    ASSERT_TRUE(e.remove(range(5, 20)).ok());
    EXPECT_EQ(ranges_of(e), (Ranges{{0, 2}, {32, 2}}));
}

TEST(Extents, one_range_too_many_changes_nothing) {
    Extents e = full();
    const Ranges before = ranges_of(e);
    const auto added = e.add(range(4 * max_ranges, 1));
    ASSERT_FALSE(added.ok());
    EXPECT_EQ(added.error(), ExtentError::TooManyRanges);
    EXPECT_EQ(ranges_of(e), before);
}

TEST(Extents, full_list_still_joins) {
    Extents e = full();
    EXPECT_TRUE(e.add(range(2, 2)).ok());
    EXPECT_EQ(e.ranges().size(), max_ranges - 1);
    EXPECT_TRUE(e.add(range(4 * max_ranges, 1)).ok());
}

TEST(Extents, split_of_full_list_changes_nothing) {
    Extents e;
    for (uint64_t n = 0; n < max_ranges; ++n) {
        ASSERT_TRUE(e.add(range(4 * n, 3)).ok());
    }
    const Ranges before = ranges_of(e);
    const auto removed = e.remove(range(41, 1));
    ASSERT_FALSE(removed.ok());
    EXPECT_EQ(removed.error(), ExtentError::TooManyRanges);
    EXPECT_EQ(ranges_of(e), before);
    EXPECT_TRUE(e.remove(range(40, 1)).ok());
}

TEST(Extents, removing_no_frames_needs_no_room) {
    Extents e = full();
    const Ranges before = ranges_of(e);
    EXPECT_TRUE(e.remove(range(1, 0)).ok());
    EXPECT_EQ(ranges_of(e), before);
}

TEST(Extents, high_frames_come_from_the_top) {
    Extents e = with({{0, 10}, {100, 10}});
    EXPECT_EQ(e.take_high(4).take(), Mfn{106});
    EXPECT_EQ(e.take_high(8).take(), Mfn{2});
    EXPECT_EQ(ranges_of(e), (Ranges{{0, 2}, {100, 6}}));
}

TEST(Extents, high_frames_are_aligned) {
    Extents e = with({{0, 64}, {100, 20}});
    EXPECT_EQ(e.take_high(8, 8).take(), Mfn{112});
    EXPECT_EQ(e.take_high(16, 16).take(), Mfn{48});  // 100 to 111 holds no aligned 16
    EXPECT_EQ(e.free_count(), 84U - 24);
}

TEST(Extents, too_little_memory_is_reported_and_kept) {
    Extents e = with({{1, 15}, {33, 15}});
    for (const auto& [count, alignment] : {std::pair{16, 1}, std::pair{15, 16}}) {
        const auto taken =
            e.take_high(static_cast<uint64_t>(count), static_cast<uint64_t>(alignment));
        ASSERT_FALSE(taken.ok());
        EXPECT_EQ(taken.error(), ExtentError::NoMemory);
    }
    EXPECT_EQ(ranges_of(e), (Ranges{{1, 15}, {33, 15}}));
    Extents none;
    EXPECT_FALSE(none.take_high(1).ok());
    const auto low = none.take_low(1, 1);
    ASSERT_FALSE(low.ok());
    EXPECT_EQ(low.error(), ExtentError::NoMemory);
}

TEST(Extents, low_frames_come_from_the_lowest_range_that_gives_all) {
    Extents e = with({{0, 4}, {10, 8}, {100, 50}});
    const Extent taken = e.take_low(8, 1).take();
    EXPECT_EQ(taken.first, Mfn{10});
    EXPECT_EQ(taken.count, 8U);
}

TEST(Extents, low_frames_are_as_many_as_there_are_in_a_row) {
    Extents e = with({{0, 4}, {10, 8}});
    const Extent taken = e.take_low(100, 1).take();
    EXPECT_EQ(taken.first, Mfn{10});
    EXPECT_EQ(taken.count, 8U);
    EXPECT_EQ(e.take_low(100, 1).take().count, 4U);
    EXPECT_FALSE(e.take_low(1, 1).ok());
}

TEST(Extents, low_frames_are_aligned_where_the_range_allows) {
    Extents e = with({{1, 1100}});
    Extent taken = e.take_low(512, 512).take();
    EXPECT_EQ(taken.first, Mfn{512});
    EXPECT_EQ(taken.count, 512U);
    taken = e.take_low(512, 512).take();  // 1 to 511 and 1024 to 1100: none aligned and full
    EXPECT_EQ(taken.first, Mfn{1});
    EXPECT_EQ(taken.count, 511U);
}

TEST(ExtentsDeath, adding_free_frames_again_is_a_bug) {
    Extents e = with({{10, 10}});
    EXPECT_DEATH(static_cast<void>(e.add(range(15, 1)).ok()), "bug");
    EXPECT_DEATH(static_cast<void>(e.add(range(5, 6)).ok()), "bug");
}

}  // namespace
