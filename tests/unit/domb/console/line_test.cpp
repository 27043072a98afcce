// SPDX-License-Identifier: Apache-2.0
#include "domb/services/console/line.hpp"

#include <string>

#include <gtest/gtest.h>

namespace console {
namespace {

constexpr size_t capacity = InRing::capacity;

class LineTest : public testing::Test {
  protected:
    // What the domain reads.
    std::string read(size_t most = capacity) {
        std::string text;
        while (page.in_cons != page.in_prod && text.size() < most) {
            text += page.in[page.in_cons++ % capacity];
        }
        return text;
    }

    hv::abi::XenconsInterface page{};
    Line line{hv::DomainId{1}, 2};
};

TEST_F(LineTest, the_host_may_send_what_there_is_room_for) {
    EXPECT_EQ(line.take_room(), 0U);
    line.attach(page, 9);
    EXPECT_EQ(line.take_room(), capacity);
    EXPECT_EQ(line.take_room(), 0U);
    EXPECT_EQ(line.put(std::string(capacity, 'a')), 0U);
    EXPECT_EQ(line.take_room(), 0U);
    EXPECT_EQ(read(capacity / 2 - 1).size(), capacity / 2 - 1);
    EXPECT_EQ(line.take_room(), 0U);
    EXPECT_EQ(read(1), "a");
    EXPECT_EQ(line.take_room(), capacity / 2);
    EXPECT_EQ(line.take_room(), 0U);
}

TEST_F(LineTest, bytes_arrive_in_order_around_the_rings_end) {
    line.attach(page, 9);
    for (unsigned i = 0; i < 1000; ++i) {
        const std::string text = "line " + std::to_string(i) + "\n";
        EXPECT_EQ(line.put(text), 0U);
        EXPECT_EQ(read(), text);
    }
}

TEST_F(LineTest, what_is_sent_without_room_is_lost_and_counted) {
    EXPECT_EQ(line.put("nobody"), 6U);
    line.attach(page, 9);
    EXPECT_EQ(line.put(std::string(capacity + 5, 'a')), 5U);
    EXPECT_EQ(read().size(), capacity);
}

TEST_F(LineTest, the_host_keeps_what_it_was_told_while_the_driver_comes_and_goes) {
    line.attach(page, 9);
    EXPECT_EQ(line.take_room(), capacity);
    line.detach();
    EXPECT_EQ(line.put("abc"), 3U);
    page = {};
    line.attach(page, 9);
    EXPECT_EQ(line.take_room(), 0U);
    EXPECT_EQ(line.put(std::string(capacity - 3, 'a')), 0U);
    EXPECT_EQ(read().size(), capacity - 3);
    EXPECT_EQ(line.take_room(), capacity);
}

TEST_F(LineTest, an_index_that_cannot_be_is_no_room) {
    line.attach(page, 9);
    page.in_cons = 1;
    EXPECT_EQ(line.take_room(), 0U);
    EXPECT_EQ(line.put("abc"), 3U);
    page.in_cons = 0;
    page.in_prod = 55;  // ours is not read
    EXPECT_EQ(line.put("abc"), 0U);
    EXPECT_EQ(page.in_prod, 3U);
}

}  // namespace
}  // namespace console
