// SPDX-License-Identifier: Apache-2.0
// A monotonic clock for time limits: the TSC, at the rate the hypervisor tells.
#pragma once

#include "domb/rt/instructions.hpp"

#include <cstdint>

namespace rt {

class TscClock {
  public:
    // Leaf 3, subleaf 0, ECX: kHz of the guest's TSC ([xen-pub] arch-x86/cpuid.h). Limits are
    // generous, so a hypervisor that does not say is taken for one of 3 GHz.
    TscClock() : khz_{cpuid(0x40000003, 0).ecx} {
        if (khz_ == 0) {
            khz_ = 3'000'000;
        }
    }
    [[nodiscard]] uint64_t now_ns() const {
        constexpr uint64_t ns_per_ms = 1'000'000;
        const uint64_t tsc = read_tsc();
        return tsc / khz_ * ns_per_ms + tsc % khz_ * ns_per_ms / khz_;
    }

  private:
    uint64_t khz_;
};

}  // namespace rt
