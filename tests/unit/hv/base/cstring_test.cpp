// SPDX-License-Identifier: Apache-2.0
// The freestanding memory functions under other names, against those of the host's library: every
// length and alignment around their unrolled loops.
#include <algorithm>
#include <cstring>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#define memcpy ours_memcpy
#define memmove ours_memmove
#define memset ours_memset
#define memcmp ours_memcmp
#define strlen ours_strlen
#include "hv/base/cstring.cpp"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strlen

namespace {

constexpr size_t max_length = 200;
constexpr size_t room = 3 * max_length;

std::vector<unsigned char> counting() {
    std::vector<unsigned char> bytes(room);
    std::iota(bytes.begin(), bytes.end(), static_cast<unsigned char>(1));
    return bytes;
}

TEST(Cstring, memmove_and_memcpy_do_what_the_hosts_do) {
    for (size_t length = 0; length <= max_length; ++length) {
        for (const size_t from : {0U, 1U, 7U, 100U}) {
            for (const size_t to : {0U, 1U, 8U, 63U, 64U, 65U, 164U, 300U}) {
                auto expected = counting();
                auto actual = counting();
                memmove(expected.data() + to, expected.data() + from, length);
                EXPECT_EQ(ours_memmove(actual.data() + to, actual.data() + from, length),
                          actual.data() + to);
                ASSERT_EQ(actual, expected) << length << ": " << from << " to " << to;
            }
            auto actual = counting();
            const auto source = counting();
            ours_memcpy(actual.data() + 3, source.data() + from, length);
            EXPECT_TRUE(std::equal(source.begin() + static_cast<ptrdiff_t>(from),
                                   source.begin() + static_cast<ptrdiff_t>(from + length),
                                   actual.begin() + 3));
            EXPECT_EQ(actual[3 + length], source[3 + length]);
            EXPECT_EQ(actual[2], source[2]);
        }
    }
}

TEST(Cstring, memset_writes_its_bytes_and_no_other) {
    for (size_t length = 0; length <= max_length; ++length) {
        auto expected = counting();
        auto actual = counting();
        memset(expected.data() + 5, 0x1a5, length);
        ours_memset(actual.data() + 5, 0x1a5, length);
        ASSERT_EQ(actual, expected) << length;
    }
}

TEST(Cstring, memcmp_orders_by_the_first_difference) {
    const auto left = counting();
    for (size_t at = 0; at < max_length; ++at) {
        auto right = left;
        EXPECT_EQ(ours_memcmp(left.data(), right.data(), max_length), 0);
        right[at] = static_cast<unsigned char>(right[at] + 1);
        EXPECT_EQ(ours_memcmp(left.data(), right.data(), at), 0);
        EXPECT_EQ(ours_memcmp(left.data(), right.data(), max_length) < 0,
                  memcmp(left.data(), right.data(), max_length) < 0)
            << at;
        EXPECT_NE(ours_memcmp(left.data(), right.data(), max_length), 0);
    }
}

TEST(Cstring, strlen_stops_at_the_nul) {
    EXPECT_EQ(ours_strlen(""), 0U);
    EXPECT_EQ(ours_strlen("abc\0def"), 3U);
}

}  // namespace
