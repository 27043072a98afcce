// SPDX-License-Identifier: Apache-2.0
// Ticks to nanoseconds, against exact arithmetic.
#include "hv/dev/clock.hpp"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

namespace {

using hv::dev::scale_of;
using hv::dev::to_ns;
using hv::dev::TscScale;

constexpr uint64_t billion = 1'000'000'000;

uint64_t exact_ns(uint64_t hz, uint64_t ticks) {
    return static_cast<uint64_t>(static_cast<unsigned __int128>(ticks) * billion / hz);
}

TEST(ClockScale, starts_at_its_base) {
    const TscScale scale = scale_of(3 * billion, 12345);
    EXPECT_EQ(scale.tsc_base, 12345U);
    EXPECT_EQ(scale.tsc_hz, 3 * billion);
    EXPECT_EQ(to_ns(scale, 12345), 0U);
}

TEST(ClockScale, a_second_is_a_second_at_every_rate) {
    for (const uint64_t hz : {uint64_t{1}, uint64_t{999}, uint64_t{1'193'182}, billion - 1, billion,
                              billion + 1, 2 * billion, 2 * billion + 1, 2'899'886'000UL,
                              3'400'000'000UL, 4 * billion, 5 * billion, (uint64_t{1} << 40) - 1}) {
        const TscScale scale = scale_of(hz, 0);
        const uint64_t ns = to_ns(scale, hz);
        EXPECT_LE(ns, billion + 4) << hz;
        EXPECT_GE(ns, billion - 4) << hz;
    }
}

// A pvclock's guest computes with mul as 0.32 fixed point: it uses all of its bits.
TEST(ClockScale, multiplier_has_its_top_bit) {
    for (const uint64_t hz : {uint64_t{1}, uint64_t{100'000'000}, billion + 1, 2 * billion,
                              3 * billion, uint64_t{1} << 39}) {
        EXPECT_GE(scale_of(hz, 0).mul, 1U << 31) << hz;
    }
}

TEST(ClockScale, known_values) {
    const TscScale two = scale_of(2 * billion, 0);
    EXPECT_EQ(two.shift, 0);
    EXPECT_EQ(two.mul, 0x80000000U);
    EXPECT_EQ(scale_of(4 * billion, 0).shift, -1);
    EXPECT_EQ(scale_of(4 * billion, 0).mul, 0x80000000U);
    EXPECT_EQ(scale_of(billion, 0).shift, 1);
    EXPECT_EQ(scale_of(billion, 0).mul, 0x80000000U);
}

TEST(ClockScale, long_times_stay_exact) {
    std::mt19937_64 random{7};
    constexpr uint64_t ten_years = 10 * 366UL * 86400;
    for (int round = 0; round < 2000; ++round) {
        const uint64_t hz = random() % (5 * billion) + 500'000'000;
        const TscScale scale = scale_of(hz, random());
        const uint64_t ticks = random() % (hz * (round % 2 == 0 ? 1000 : ten_years / 64));
        const uint64_t exact = exact_ns(hz, ticks);
        const uint64_t got = to_ns(scale, scale.tsc_base + ticks);
        // mul has at least 31 bits, and a halved rate loses less than a bit.
        const uint64_t off = std::max(got, exact) - std::min(got, exact);
        EXPECT_LE(off, exact / 1'000'000'000 + 8) << hz << ' ' << ticks;
    }
}

TEST(ClockScale, time_never_runs_backwards) {
    const TscScale scale = scale_of(2'899'886'000, 99);
    uint64_t before = 0;
    for (uint64_t tsc = 99; tsc < 99 + 5000; ++tsc) {
        const uint64_t ns = to_ns(scale, tsc);
        EXPECT_GE(ns, before);
        before = ns;
    }
    EXPECT_GT(before, 1700U);
}

TEST(ClockScale, impossible_rates_are_bugs) {
    EXPECT_DEATH(scale_of(0, 0), "bug");
    EXPECT_DEATH(scale_of(uint64_t{1} << 40, 0), "bug");
}

}  // namespace
