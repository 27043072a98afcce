// SPDX-License-Identifier: Apache-2.0
// System time: nanoseconds since boot from the TSC, and the rates of TSC and APIC timer, measured
// against the PIT.
#pragma once

#include <cstdint>

namespace hv::dev {

// time_ns = ((tsc - tsc_base) << shift, or >> -shift) * mul >> 32, as a pvclock computes it
// ([xen-pub] xen.h, vcpu_time_info).
struct TscScale {
    uint64_t tsc_base = 0;
    uint32_t mul = 0;
    int8_t shift = 0;
    uint64_t tsc_hz = 0;
};

// The scale of a TSC of that rate. 0 < hz < 2^40.
TscScale scale_of(uint64_t tsc_hz, uint64_t tsc_base);
uint64_t to_ns(const TscScale& scale, uint64_t tsc);

// Measures both rates; takes about 15 ms, longer on a busy host.
void clock_init();
const TscScale& tsc_scale();
uint64_t apic_timer_hz();

// Before clock_init this counts from 0 in TSC ticks of unknown rate and is only monotonic.
uint64_t system_time_ns();

// The time of day when system time was 0, UTC since 1970-01-01, from the CMOS clock as clock_init
// found it.
struct WallClock {
    uint64_t seconds = 0;
    uint32_t nanoseconds = 0;
};
const WallClock& wall_clock_at_boot();

}  // namespace hv::dev
