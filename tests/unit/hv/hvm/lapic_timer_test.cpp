// SPDX-License-Identifier: Apache-2.0
#include "hv/hvm/lapic_timer.hpp"

#include <gtest/gtest.h>

namespace hv::hvm {
namespace {

constexpr uint32_t divide_by_1 = 0xb;
constexpr uint32_t divide_by_2 = 0x0;
constexpr uint32_t divide_by_128 = 0xa;

TEST(LapicTimer, divides_as_the_manual_tabulates) {
    const struct {
        uint32_t configuration;
        uint64_t divisor;
    } table[] = {{0x0, 2},  {0x1, 4},  {0x2, 8},   {0x3, 16},
                 {0x8, 32}, {0x9, 64}, {0xa, 128}, {0xb, 1}};
    for (const auto& row : table) {
        LapicTimer timer;
        timer.set_divide(row.configuration, 0);
        timer.start(1000, 5000);
        EXPECT_EQ(timer.deadline_ns(), 5000 + 1000 * row.divisor) << row.configuration;
    }
}

TEST(LapicTimer, one_shot_counts_down_and_stops) {
    LapicTimer timer;
    timer.set_divide(divide_by_2, 0);
    timer.start(100, 1000);
    EXPECT_EQ(timer.current_count(1000), 100u);
    EXPECT_EQ(timer.current_count(1100), 50u);
    EXPECT_FALSE(timer.expired(1199));
    EXPECT_EQ(timer.current_count(1199), 1u);
    EXPECT_TRUE(timer.expired(1200));
    EXPECT_EQ(timer.current_count(1200), 0u);
    EXPECT_FALSE(timer.deadline_ns());
    EXPECT_FALSE(timer.expired(9999));
}

TEST(LapicTimer, zero_initial_count_stops_it) {
    LapicTimer timer;
    timer.start(100, 0);
    timer.start(0, 10);
    EXPECT_FALSE(timer.deadline_ns());
    EXPECT_FALSE(timer.expired(1'000'000));
}

TEST(LapicTimer, periodic_restarts_and_counts_missed_periods_once) {
    LapicTimer timer;
    timer.set_divide(divide_by_1, 0);
    timer.set_periodic(true);
    timer.start(1'000'000, 0);
    EXPECT_TRUE(timer.expired(1'000'000));
    EXPECT_EQ(timer.deadline_ns(), 2'000'000u);
    EXPECT_TRUE(timer.expired(5'300'000));
    EXPECT_FALSE(timer.expired(5'300'000));
    EXPECT_EQ(timer.deadline_ns(), 6'000'000u);
    EXPECT_EQ(timer.current_count(5'300'000), 700'000u);
}

TEST(LapicTimer, periodic_is_not_faster_than_the_limit) {
    LapicTimer timer;
    timer.set_divide(divide_by_1, 0);
    timer.set_periodic(true);
    timer.start(1, 0);
    EXPECT_EQ(timer.deadline_ns(), LapicTimer::min_period_ns);
    EXPECT_TRUE(timer.expired(LapicTimer::min_period_ns));
    EXPECT_EQ(timer.deadline_ns(), 2 * LapicTimer::min_period_ns);
}

TEST(LapicTimer, changing_the_divisor_keeps_the_count) {
    LapicTimer timer;
    timer.set_divide(divide_by_1, 0);
    timer.start(1000, 0);
    timer.set_divide(divide_by_128, 400);
    EXPECT_EQ(timer.current_count(400), 600u);
    EXPECT_EQ(timer.deadline_ns(), 400u + 600 * 128);
}

TEST(LapicTimer, largest_count_and_divisor_do_not_overflow) {
    LapicTimer timer;
    timer.set_divide(divide_by_128, 0);
    timer.start(0xffffffff, 1'000'000'000'000);
    EXPECT_EQ(timer.deadline_ns(), 1'000'000'000'000 + 0xffffffffULL * 128);
    EXPECT_EQ(timer.current_count(1'000'000'000'000), 0xffffffffu);
}

}  // namespace
}  // namespace hv::hvm
