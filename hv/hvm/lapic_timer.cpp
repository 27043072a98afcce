// SPDX-License-Identifier: Apache-2.0
#include "hv/hvm/lapic_timer.hpp"

#include <algorithm>

namespace hv::hvm {

// [apm2] 16.4.1, [sdm3] 10.5.4: 000b divides by 2, 110b by 128, 111b by 1; bit 3 is the top bit.
unsigned LapicTimer::divide_shift() const {
    const uint32_t code = ((divide_configuration_ >> 1) & 4) | (divide_configuration_ & 3);
    return (code + 1) & 7;
}

uint64_t LapicTimer::period_ns() const {
    const uint64_t period = uint64_t{initial_count_} << divide_shift();
    return periodic_ ? std::max(period, min_period_ns) : period;
}

void LapicTimer::start(uint32_t initial_count, uint64_t now_ns) {
    initial_count_ = initial_count;
    deadline_ns_.reset();
    if (initial_count != 0) {
        deadline_ns_ = now_ns + period_ns();
    }
}

void LapicTimer::set_divide(uint32_t configuration, uint64_t now_ns) {
    const uint32_t count = current_count(now_ns);
    divide_configuration_ = configuration & 0xb;
    if (deadline_ns_) {
        deadline_ns_ = now_ns + (uint64_t{count} << divide_shift());
    }
}

bool LapicTimer::expired(uint64_t now_ns) {
    if (!deadline_ns_ || now_ns < *deadline_ns_) {
        return false;
    }
    if (periodic_) {
        const uint64_t period = period_ns();
        *deadline_ns_ += period * ((now_ns - *deadline_ns_) / period + 1);
    } else {
        deadline_ns_.reset();
    }
    return true;
}

uint32_t LapicTimer::current_count(uint64_t now_ns) const {
    if (!deadline_ns_ || now_ns >= *deadline_ns_) {
        return 0;
    }
    const uint64_t left = *deadline_ns_ - now_ns;
    const uint64_t ticks = (left + (uint64_t{1} << divide_shift()) - 1) >> divide_shift();
    return static_cast<uint32_t>(std::min<uint64_t>(ticks, initial_count_));
}

}  // namespace hv::hvm
