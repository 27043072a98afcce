// SPDX-License-Identifier: Apache-2.0
#include "hv/dev/clock_rates.hpp"

#include <algorithm>

namespace hv::dev {

namespace {

bool is_lower(const ClockRates& a, const ClockRates& b) {
    return a.tsc_hz < b.tsc_hz;
}

// Whether b, which is not lower, is hardly higher.
bool agree(const ClockRates& a, const ClockRates& b) {
    return b.tsc_hz - a.tsc_hz <= a.tsc_hz / 100;
}

}  // namespace

ClockRates rates_between(const ClockReading& start, const ClockReading& end) {
    uint64_t pit_ticks = static_cast<uint16_t>(start.pit - end.pit);
    if (pit_ticks == 0) {
        pit_ticks = uint64_t{1} << 16;
    }
    return {.tsc_hz = (end.tsc - start.tsc) * pit_hz / pit_ticks,
            .apic_hz = uint64_t{start.apic - end.apic} * pit_hz / pit_ticks};
}

std::optional<ClockRates> agreed_rates(std::span<const ClockRates> windows) {
    if (windows.size() < fewest_windows) {
        return std::nullopt;
    }
    std::optional<ClockRates> lowest;
    for (size_t i = 0; i < windows.size(); ++i) {
        for (size_t j = 0; j < windows.size(); ++j) {
            const ClockRates& a = windows[i];
            const ClockRates& b = windows[j];
            if (i != j && !is_lower(b, a) && agree(a, b) && (!lowest || is_lower(a, *lowest))) {
                lowest = a;
            }
        }
    }
    return lowest;
}

ClockRates lowest_rates(std::span<const ClockRates> windows) {
    return *std::min_element(windows.begin(), windows.end(), is_lower);
}

}  // namespace hv::dev
