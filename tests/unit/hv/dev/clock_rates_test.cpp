// SPDX-License-Identifier: Apache-2.0
// Rates from windows of 5 ms, of which a busy host spoils some.
#include "hv/dev/clock_rates.hpp"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

namespace {

using hv::dev::agreed_rates;
using hv::dev::ClockRates;
using hv::dev::ClockReading;
using hv::dev::rates_between;

constexpr uint64_t tsc_hz = 2'494'000'000;
constexpr uint64_t apic_hz = 1'000'000'000;
constexpr uint64_t pit_hz = 1'193'182;
constexpr double percent = 0.01;

// What the three clocks show at that time.
ClockReading at(uint64_t us, uint64_t tsc_late_us = 0) {
    return {.tsc = 77 + (us + tsc_late_us) * tsc_hz / 1'000'000,
            .pit = static_cast<uint16_t>(0xffff - us * pit_hz / 1'000'000),
            .apic = static_cast<uint32_t>(~0U - us * apic_hz / 1'000'000)};
}
ClockRates window(uint64_t length_us, uint64_t late_us = 0) {
    return rates_between(at(50'000), at(50'000 + length_us, late_us));
}
void expect_right(const ClockRates& rates) {
    EXPECT_NEAR(static_cast<double>(rates.tsc_hz), tsc_hz, tsc_hz * percent);
    EXPECT_NEAR(static_cast<double>(rates.apic_hz), apic_hz, apic_hz * percent);
}

TEST(ClockRates, one_window_shows_both) {
    expect_right(window(5'000));
    expect_right(window(40'000));
}

// The PIT has gone round once, unseen.
TEST(ClockRates, stretched_windows_do_not_count) {
    const ClockRates wrapped = window(60'000);
    ASSERT_GT(wrapped.tsc_hz, 10 * tsc_hz);
    std::vector<ClockRates> windows{window(5'000), window(5'010), wrapped};
    std::sort(windows.begin(), windows.end(), [](auto& a, auto& b) { return a.tsc_hz < b.tsc_hz; });
    do {
        const auto rates = agreed_rates(windows);
        ASSERT_TRUE(rates);
        expect_right(*rates);
    } while (
        std::next_permutation(windows.begin(), windows.end(),
                              [](const auto& a, const auto& b) { return a.tsc_hz < b.tsc_hz; }));
}

TEST(ClockRates, even_most_of_them) {
    const auto rates = agreed_rates(std::vector{window(60'000), window(60'010), window(5'000),
                                                window(64'000), window(5'001), window(70'000)});
    ASSERT_TRUE(rates);
    expect_right(*rates);
}

TEST(ClockRates, late_reading_does_not_count) {
    const ClockRates low = rates_between(at(50'000, 500), at(55'000));
    ASSERT_LT(low.tsc_hz, tsc_hz * 95 / 100);
    const auto rates = agreed_rates(std::vector{low, window(5'000), window(5'000)});
    ASSERT_TRUE(rates);
    expect_right(*rates);
}

TEST(ClockRates, more_are_needed_until_two_agree) {
    EXPECT_FALSE(agreed_rates(std::vector{window(5'000), window(5'000)})) << "too few to tell";
    const std::vector spoiled{window(5'000), window(60'000), window(5'000, 500)};
    EXPECT_FALSE(agreed_rates(spoiled));
    expect_right(hv::dev::lowest_rates(spoiled));
}

}  // namespace
