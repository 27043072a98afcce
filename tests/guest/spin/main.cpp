// SPDX-License-Identifier: Apache-2.0
// Computes for `seconds` with interrupts off and without one exit of its own: only the hypervisor's
// timer can take the processor from it.
#include "tests/guest/harness/guest.hpp"

void guest::run(const rt::StartInfo& info) {
    const uint64_t end = now_ns() + option(info, "seconds", 3) * 1'000'000'000;
    while (now_ns() < end) {
    }
}
