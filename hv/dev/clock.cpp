// SPDX-License-Identifier: Apache-2.0
#include "hv/dev/clock.hpp"

#include "hv/base/assert.hpp"
#include "hv/base/static_vector.hpp"
#include "hv/base/text.hpp"
#include "hv/dev/clock_rates.hpp"
#include "hv/dev/log.hpp"
#include "hv/x86/apic.hpp"
#include "hv/x86/instructions.hpp"

#include <array>
#include <span>

namespace hv::dev {

namespace {

constexpr uint16_t pit_channel_0 = 0x40;
constexpr uint16_t pit_command = 0x43;

constinit TscScale scale{};
constinit uint64_t apic_hz = 0;
constinit uint64_t first_tsc = 0;
constinit WallClock wall_clock{};

uint16_t read_pit() {
    x86::outb(pit_command, 0x00);  // latch channel 0
    const uint8_t low = x86::inb(pit_channel_0);
    return static_cast<uint16_t>(low | x86::inb(pit_channel_0) << 8);
}

// One reading of all three clocks. The reading with the narrowest TSC bracket of several is used:
// this CPU may lose the host's attention between two instructions.
ClockReading read_clocks() {
    ClockReading best{};
    uint64_t narrowest = ~uint64_t{0};
    for (unsigned i = 0; i < 8; ++i) {
        const uint64_t before = x86::rdtsc();
        const uint16_t pit = read_pit();
        const uint32_t apic = x86::apic_timer_left();
        const uint64_t after = x86::rdtsc();
        if (after - before < narrowest) {
            narrowest = after - before;
            best = {before + (after - before) / 2, pit, apic};
        }
    }
    return best;
}

ClockRates measure_window() {
    constexpr uint16_t wait_ticks = pit_hz / 200;
    x86::apic_timer_start_silent(~0U);
    const ClockReading start = read_clocks();
    while (static_cast<uint16_t>(start.pit - read_pit()) < wait_ticks) {
        x86::pause();
    }
    const ClockReading end = read_clocks();
    x86::apic_timer_start_silent(0);
    return rates_between(start, end);
}

ClockRates measure_rates() {
    StaticVector<ClockRates, 16> windows;
    const auto all = [&] { return std::span{windows.begin(), windows.size()}; };
    while (!windows.full()) {
        ASSERT(windows.push(measure_window()).ok());
        if (const auto rates = agreed_rates(all())) {
            return *rates;
        }
    }
    log("the clocks show other rates at each look: time may run wrong");
    return lowest_rates(all());
}

uint8_t read_cmos(uint8_t index) {
    x86::outb(0x70, index);
    return x86::inb(0x71);
}

uint64_t from_bcd(uint8_t v) {
    return (v >> 4) * uint64_t{10} + (v & 0xf);
}

// Days since 1970-01-01 of a date in the proleptic Gregorian calendar.
uint64_t days_from_civil(uint64_t year, uint64_t month, uint64_t day) {
    year -= month <= 2 ? 1 : 0;
    const uint64_t era = year / 400;
    const uint64_t year_of_era = year - era * 400;
    const uint64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    const uint64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

uint64_t read_wall_clock_seconds() {
    std::array<uint64_t, 6> fields{};
    constexpr std::array<uint8_t, 6> indices{0x00, 0x02, 0x04, 0x07, 0x08, 0x09};
    while ((read_cmos(0x0a) & 0x80) != 0) {  // update in progress: at most 2 ms
        x86::pause();
    }
    const bool is_binary = (read_cmos(0x0b) & 0x04) != 0;
    for (size_t i = 0; i < fields.size(); ++i) {
        const uint8_t raw = read_cmos(indices[i]);
        fields[i] = is_binary ? raw : from_bcd(raw);
    }
    const uint64_t days = days_from_civil(2000 + fields[5], fields[4], fields[3]);
    return days * 86400 + fields[2] * 3600 + fields[1] * 60 + fields[0];
}

}  // namespace

void clock_init() {
    first_tsc = x86::rdtsc();
    x86::outb(pit_command, 0x34);  // channel 0, both bytes, rate generator
    x86::outb(pit_channel_0, 0xff);
    x86::outb(pit_channel_0, 0xff);
    const ClockRates rates = measure_rates();
    scale = scale_of(rates.tsc_hz, first_tsc);
    apic_hz = rates.apic_hz;
    TextOf<80> text;
    text.put("TSC at ").dec(rates.tsc_hz / 1000).put(" kHz, APIC timer at ");
    log(text.dec(apic_hz / 1000).put(" kHz").view());
    const uint64_t seconds = read_wall_clock_seconds();
    wall_clock.seconds = seconds - system_time_ns() / 1'000'000'000;
}

const TscScale& tsc_scale() {
    return scale;
}
uint64_t apic_timer_hz() {
    return apic_hz;
}

uint64_t system_time_ns() {
    const uint64_t tsc = x86::rdtsc();
    return scale.tsc_hz == 0 ? 0 : to_ns(scale, tsc);
}

const WallClock& wall_clock_at_boot() {
    return wall_clock;
}

}  // namespace hv::dev
