// SPDX-License-Identifier: Apache-2.0
#include "domb/services/console/out_ring.hpp"

#include <cstring>
#include <string>

#include <gtest/gtest.h>

namespace console {
namespace {

class OutRingTest : public testing::Test {
  protected:
    // What a well-behaved guest does; false when there is no room.
    bool write(const std::string& text) {
        if (page.out_prod - page.out_cons + text.size() > OutRing::capacity) {
            return false;
        }
        for (const char c : text) {
            page.out[page.out_prod++ % OutRing::capacity] = c;
        }
        return true;
    }
    std::string take() {
        const auto taken = ring.take(buffer);
        EXPECT_EQ(taken.lost_bytes, 0U);
        return std::string{taken.text};
    }

    hv::abi::XenconsInterface page{};
    OutRing::Buffer buffer{};
    OutRing ring{page};
};

TEST_F(OutRingTest, takes_what_was_written_and_makes_room) {
    EXPECT_EQ(take(), "");
    EXPECT_TRUE(write("hello"));
    EXPECT_EQ(take(), "hello");
    EXPECT_EQ(page.out_cons, 5U);
    EXPECT_EQ(take(), "");
}

TEST_F(OutRingTest, passes_a_long_text_through_many_turns_of_the_ring) {
    std::string written;
    std::string taken;
    for (unsigned i = 0; i < 2000; ++i) {
        const std::string piece = std::to_string(i * i) + ' ';
        ASSERT_TRUE(write(piece));
        written += piece;
        if (i % 7 == 0) {
            taken += take();
        }
    }
    EXPECT_EQ(taken + take(), written);
}

TEST_F(OutRingTest, takes_a_full_ring) {
    const std::string full(OutRing::capacity, 'f');
    EXPECT_TRUE(write("xyz"));
    take();
    EXPECT_TRUE(write(full));
    EXPECT_FALSE(write("x"));
    EXPECT_EQ(take(), full);
    EXPECT_TRUE(write(full));
}

TEST_F(OutRingTest, goes_on_across_the_wrap_of_the_indices) {
    page = {};
    page.out_prod = page.out_cons = 0xfffffffd;
    OutRing late{page};
    EXPECT_TRUE(write("wrapping"));
    EXPECT_EQ(late.take(buffer).text, "wrapping");
    EXPECT_EQ(page.out_cons, 5U);
}

TEST_F(OutRingTest, drops_the_oldest_bytes_of_an_overrun_and_counts_them) {
    page.out_prod = OutRing::capacity + 10;
    page.out[(OutRing::capacity + 9) % OutRing::capacity] = 'Z';
    const auto taken = ring.take(buffer);
    EXPECT_EQ(taken.lost_bytes, 10U);
    EXPECT_EQ(taken.text.size(), OutRing::capacity);
    EXPECT_EQ(taken.text.back(), 'Z');
    EXPECT_EQ(page.out_cons, page.out_prod);
}

TEST_F(OutRingTest, bounds_what_hostile_indices_cost) {
    for (const uint32_t produced : {0x7fffffffU, 0x80000000U, 0xffffffffU, 1U, 0U}) {
        page.out_prod = produced;
        const auto taken = ring.take(buffer);
        EXPECT_LE(taken.text.size(), OutRing::capacity);
        EXPECT_EQ(ring.take(buffer).text.size(), 0U);
    }
}

TEST_F(OutRingTest, does_not_believe_the_guests_copy_of_its_own_index) {
    EXPECT_TRUE(write("one"));
    EXPECT_EQ(take(), "one");
    page.out_cons = 0xdeadbeef;
    EXPECT_EQ(take(), "");
    EXPECT_EQ(page.out_cons, 3U);
}

TEST_F(OutRingTest, knows_a_page_that_is_gone) {
    EXPECT_FALSE(ring.is_gone());
    memset(&page, 0xff, sizeof(page));
    EXPECT_TRUE(ring.is_gone());
    page.in_prod = 0;
    EXPECT_FALSE(ring.is_gone());
}

TEST_F(OutRingTest, says_that_it_is_connected) {
    page.connection = hv::abi::XENCONSOLE_DISCONNECTED;
    const OutRing another{page};
    EXPECT_EQ(page.connection, hv::abi::XENCONSOLE_CONNECTED);
}

}  // namespace
}  // namespace console
