// SPDX-License-Identifier: Apache-2.0
#include "hv/dev/byte_queue.hpp"

#include <array>
#include <string>

#include <gtest/gtest.h>

namespace {

using hv::dev::ByteQueue;

template <size_t Capacity>
std::string pop(ByteQueue<Capacity>& queue, size_t most) {
    std::string text(most, '?');
    text.resize(queue.pop(text));
    return text;
}

TEST(ByteQueue, gives_back_in_order_what_was_put_in) {
    ByteQueue<4> queue;
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(pop(queue, 3), "");
    queue.push('a');
    queue.push('b');
    EXPECT_FALSE(queue.empty());
    EXPECT_EQ(pop(queue, 0), "");
    EXPECT_EQ(pop(queue, 1), "a");
    EXPECT_EQ(pop(queue, 9), "b");
    EXPECT_TRUE(queue.empty());
}

TEST(ByteQueue, is_full_at_its_capacity_and_only_there) {
    ByteQueue<3> queue;
    for (const char c : {'a', 'b', 'c'}) {
        EXPECT_FALSE(queue.full());
        queue.push(c);
    }
    EXPECT_TRUE(queue.full());
    EXPECT_EQ(pop(queue, 1), "a");
    EXPECT_FALSE(queue.full());
    queue.push('d');
    EXPECT_TRUE(queue.full());
    EXPECT_EQ(pop(queue, 3), "bcd");
}

TEST(ByteQueue, keeps_its_order_however_far_around_it_is) {
    ByteQueue<5> queue;
    std::string put;
    std::string got;
    for (unsigned turn = 0; turn < 100; ++turn) {
        for (unsigned i = 0; i < 1 + turn % 5 && !queue.full(); ++i) {
            put += static_cast<char>('a' + put.size() % 26);
            queue.push(put.back());
        }
        got += pop(queue, 1 + turn % 3);
    }
    EXPECT_EQ(got + pop(queue, 5), put);
    EXPECT_GT(put.size(), 100U);
}

}  // namespace
