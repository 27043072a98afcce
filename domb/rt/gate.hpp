// SPDX-License-Identifier: Apache-2.0
// Gates of the interrupt descriptor table, for the runtime and for guests with a table of their
// own.
#pragma once

#include <cstdint>

namespace rt {

struct Gate {  // [apm2] 4.8.4
    uint16_t offset_low;
    uint16_t selector;
    uint8_t ist;
    uint8_t type;
    uint16_t offset_middle;
    uint32_t offset_high;
    uint32_t rsvd_0c;
};
static_assert(sizeof(Gate) == 16);

// To 64-bit code of the runtime's segment, interrupts off; on stack `ist`, or for 0 on the one in
// use.
constexpr Gate interrupt_gate(uint64_t target, uint8_t ist) {
    return {.offset_low = static_cast<uint16_t>(target),
            .selector = 0x08,
            .ist = ist,
            .type = 0x8e,
            .offset_middle = static_cast<uint16_t>(target >> 16),
            .offset_high = static_cast<uint32_t>(target >> 32),
            .rsvd_0c = 0};
}

}  // namespace rt
