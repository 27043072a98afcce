// SPDX-License-Identifier: Apache-2.0
// Extents against the plainest model there is, one bit for each frame, under random operations.
#include "hv/mm/extents.hpp"

#include <algorithm>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace {

using hv::Mfn;
using hv::mm::Extent;
using hv::mm::ExtentError;
using hv::mm::Extents;

constexpr uint64_t frame_count = 700;  // more than twice as many as there may be ranges

class ExtentsModel : public testing::TestWithParam<unsigned> {
  protected:
    uint64_t below(uint64_t limit) { return random_() % limit; }
    [[nodiscard]] bool is_free(uint64_t first, uint64_t count) const {
        const auto from = free_.begin() + static_cast<ptrdiff_t>(first);
        return first + count <= frame_count &&
               std::all_of(from, from + static_cast<ptrdiff_t>(count), [](bool f) { return f; });
    }
    void mark(uint64_t first, uint64_t count, bool is_free) {
        std::fill_n(free_.begin() + static_cast<ptrdiff_t>(first), count, is_free);
    }
    [[nodiscard]] size_t run_count() const {
        size_t runs = 0;
        for (size_t n = 0; n < frame_count; ++n) {
            runs += free_[n] && (n == 0 || !free_[n - 1]) ? 1 : 0;
        }
        return runs;
    }

    void add() {
        const uint64_t first = below(frame_count);
        uint64_t count = 0;
        const uint64_t wanted = below(2) == 0 ? 1 : 1 + below(40);
        while (count < wanted && first + count < frame_count && !free_[first + count]) {
            ++count;
        }
        const auto before = free_;
        mark(first, count, true);
        if (!extents_.add({Mfn{first}, count}).ok()) {
            EXPECT_GT(run_count(), 256U);
            free_ = before;
        }
    }
    void remove() {
        const uint64_t first = below(frame_count);
        const uint64_t count = std::min(below(3) == 0 ? below(60) : below(2), frame_count - first);
        const auto before = free_;
        mark(first, count, false);
        if (!extents_.remove({Mfn{first}, count}).ok()) {
            EXPECT_GT(run_count(), 256U);
            free_ = before;
        }
    }
    void take_high() {
        const uint64_t count = 1 + below(24);
        const uint64_t alignment = uint64_t{1} << below(6);
        uint64_t best = frame_count;
        for (uint64_t first = 0; first + count <= frame_count; first += alignment) {
            best = is_free(first, count) ? first : best;
        }
        const auto before = free_;
        if (best != frame_count) {
            mark(best, count, false);
        }
        auto taken = extents_.take_high(count, alignment);
        if (taken.ok()) {
            EXPECT_EQ(taken.take(), Mfn{best});
        } else if (best == frame_count) {
            EXPECT_EQ(taken.error(), ExtentError::NoMemory);
        } else {
            EXPECT_EQ(taken.error(), ExtentError::TooManyRanges);
            EXPECT_GT(run_count(), 256U);
            free_ = before;
        }
    }
    void take_low() {
        const uint64_t count = 1 + below(40);
        const uint64_t alignment = uint64_t{1} << below(5);
        auto taken = extents_.take_low(count, alignment);
        if (!taken.ok()) {
            EXPECT_TRUE(run_count() == 0 || taken.error() == ExtentError::TooManyRanges);
            return;
        }
        const Extent got = taken.take();
        ASSERT_TRUE(got.count > 0 && got.count <= count);
        ASSERT_TRUE(is_free(got.first.value(), got.count));
        mark(got.first.value(), got.count, false);
    }
    void expect_same() const {
        std::vector<bool> found(frame_count, false);
        uint64_t end_of_last = 0;
        uint64_t total = 0;
        for (const Extent& r : extents_.ranges()) {
            ASSERT_GT(r.count, 0U);
            ASSERT_TRUE(total == 0 || r.first.value() > end_of_last) << "not sorted, or adjacent";
            end_of_last = r.first.value() + r.count;
            ASSERT_LE(end_of_last, frame_count);
            std::fill_n(found.begin() + static_cast<ptrdiff_t>(r.first.value()), r.count, true);
            total += r.count;
        }
        ASSERT_EQ(found, free_);
        ASSERT_EQ(extents_.free_count(), total);
    }

    std::mt19937 random_{GetParam()};
    Extents extents_;
    std::vector<bool> free_ = std::vector<bool>(frame_count, false);
};

TEST_P(ExtentsModel, random_operations_agree_with_a_bitmap) {
    // Seeds differ in their appetite, so that the list is sometimes full and sometimes empty.
    const uint64_t adds = 20 + 15 * (GetParam() % 5);
    for (unsigned step = 0; step < 3000; ++step) {
        const uint64_t what = below(100);
        if (what < adds) {
            add();
        } else if (what < adds + 12) {
            remove();
        } else if (what % 2 == 0) {
            take_high();
        } else {
            take_low();
        }
        if (step % 16 == 0) {
            ASSERT_NO_FATAL_FAILURE(expect_same()) << "step " << step;
        }
    }
    expect_same();
}

INSTANTIATE_TEST_SUITE_P(Seeds, ExtentsModel, testing::Range(1U, 11U));

}  // namespace
