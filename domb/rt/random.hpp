// SPDX-License-Identifier: Apache-2.0
// Numbers that other domains cannot foresee.
#pragma once

#include "domb/rt/instructions.hpp"

#include <cstdint>
#include <optional>

namespace rt {

// From the CPU's random number generator; nothing if there is none, or it does not work.
inline std::optional<uint64_t> random_number() {
    constexpr uint32_t RDRAND = 1U << 30;  // leaf 1, ECX
    constexpr int tries = 10;              // it may have run dry for a moment
    for (int i = 0; i < tries && (cpuid(1).ecx & RDRAND) != 0; ++i) {
        const uint64_t number = rdrand();
        // All ones is what some CPUs give when theirs is broken.
        if (number != 0 && number != UINT64_MAX) {
            return number;
        }
    }
    return std::nullopt;
}

}  // namespace rt
