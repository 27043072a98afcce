// SPDX-License-Identifier: Apache-2.0
#include "hv/base/assert.hpp"
#include "hv/dev/clock.hpp"

namespace hv::dev {

namespace {

uint64_t multiply_shift_32(uint64_t a, uint32_t b) {
    return static_cast<uint64_t>((static_cast<unsigned __int128>(a) * b) >> 32);
}

}  // namespace

TscScale scale_of(uint64_t tsc_hz, uint64_t tsc_base) {
    ASSERT(tsc_hz > 0 && tsc_hz < uint64_t{1} << 40);
    // mul / 2^32 is the number of nanoseconds per shifted tick; the shift brings it into [1/2, 1).
    uint64_t hz = tsc_hz;
    int8_t shift = 0;
    while (hz > 2'000'000'000) {
        hz >>= 1;
        --shift;
    }
    while (hz <= 1'000'000'000) {
        hz <<= 1;
        ++shift;
    }
    const uint64_t shifted_hz_times = (uint64_t{1'000'000'000} << 32) / hz;
    return {.tsc_base = tsc_base,
            .mul = static_cast<uint32_t>(shifted_hz_times),
            .shift = shift,
            .tsc_hz = tsc_hz};
}

uint64_t to_ns(const TscScale& scale, uint64_t tsc) {
    uint64_t delta = tsc - scale.tsc_base;
    delta = scale.shift < 0 ? delta >> -scale.shift : delta << scale.shift;
    return multiply_shift_32(delta, scale.mul);
}

}  // namespace hv::dev
