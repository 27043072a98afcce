// SPDX-License-Identifier: Apache-2.0
// A scheduler that runs nobody: it remembers who was wakened, and what the current vCPU asked for.
#pragma once

#include "hv/domain/vcpu.hpp"

#include <cstdint>
#include <map>
#include <set>

struct FakeSched {
    FakeSched();
    ~FakeSched();

    [[nodiscard]] bool is_woken(const hv::domain::Vcpu& vcpu) const {
        return woken.count(&vcpu) != 0;
    }

    std::set<const hv::domain::Vcpu*> woken;
    std::map<const hv::domain::Vcpu*, bool> online;
    std::map<const hv::domain::Vcpu*, uint64_t> singleshot_ns;  // armed timers only
    std::map<const hv::domain::Vcpu*, uint64_t> poll_ns;        // armed timers only
    std::map<const hv::domain::Vcpu*, uint64_t> lapic_ns;       // armed timers only
    bool is_blocking = false;                                   // block_current was called
    bool is_halting = false;                                    // halt_current was called
    bool is_yielding = false;
    bool is_looking_again = false;  // look_again_soon was called
    uint64_t now_ns = 1'000'000;
    uint64_t ns_per_look = 0;  // how far the clock is on when somebody has looked at it
};
