// SPDX-License-Identifier: Apache-2.0
// Numbers of the local APIC's registers, [apm2] table 16-2, [sdm3] table 10-1, 10-6. For the
// sources of LocalApic only.
#pragma once

#include <cstdint>

namespace hv::hvm {

inline constexpr uint8_t first_legal_vector = 16;

struct LvtBits {
    static constexpr uint32_t vector = 0xff;
    static constexpr uint32_t message_type = 0x700;
    static constexpr uint32_t polarity = 1U << 13;
    static constexpr uint32_t trigger_level = 1U << 15;
    static constexpr uint32_t mask = 1U << 16;
    static constexpr uint32_t periodic = 1U << 17;
};

struct EsrBits {
    static constexpr uint32_t send_illegal_vector = 1U << 5;
    static constexpr uint32_t receive_illegal_vector = 1U << 6;
    static constexpr uint32_t illegal_register = 1U << 7;
};

// Register numbers: offset in the page / 16, and MSR - 0x800.
struct ApicReg {
    static constexpr unsigned Id = 0x02;
    static constexpr unsigned Version = 0x03;
    static constexpr unsigned Tpr = 0x08;
    static constexpr unsigned Apr = 0x09;
    static constexpr unsigned Ppr = 0x0a;
    static constexpr unsigned Eoi = 0x0b;
    static constexpr unsigned Ldr = 0x0d;
    static constexpr unsigned Dfr = 0x0e;
    static constexpr unsigned Svr = 0x0f;
    static constexpr unsigned Isr = 0x10;  // eight words
    static constexpr unsigned Tmr = 0x18;  // eight words
    static constexpr unsigned Irr = 0x20;  // eight words
    static constexpr unsigned Esr = 0x28;
    static constexpr unsigned IcrLow = 0x30;
    static constexpr unsigned IcrHigh = 0x31;
    static constexpr unsigned LvtFirst = 0x32;
    static constexpr unsigned LvtLast = 0x37;
    static constexpr unsigned InitialCount = 0x38;
    static constexpr unsigned CurrentCount = 0x39;
    static constexpr unsigned Divide = 0x3e;
    static constexpr unsigned SelfIpi = 0x3f;
};

}  // namespace hv::hvm
