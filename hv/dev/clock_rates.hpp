// SPDX-License-Identifier: Apache-2.0
// The rates of TSC and APIC timer, from what they and the PIT show at the ends of a few short
// windows. A window that the host has stretched beyond the PIT's period of 55 ms gives rates that
// are too high, by any factor, and one with a late reading gives wrong ones; windows that were not
// disturbed agree. Used by clock_init.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace hv::dev {

inline constexpr uint64_t pit_hz = 1'193'182;

struct ClockReading {
    uint64_t tsc = 0;
    uint16_t pit = 0;   // counts down
    uint32_t apic = 0;  // counts down
};

struct ClockRates {
    uint64_t tsc_hz = 0;
    uint64_t apic_hz = 0;
};

// As one window shows them.
ClockRates rates_between(const ClockReading& start, const ClockReading& end);

inline constexpr size_t fewest_windows = 3;

// The lowest rates on which two of the windows agree within a percent; nullopt: more are needed.
std::optional<ClockRates> agreed_rates(std::span<const ClockRates> windows);
// The lowest of all, when there is no time for more.
ClockRates lowest_rates(std::span<const ClockRates> windows);

}  // namespace hv::dev
