// SPDX-License-Identifier: Apache-2.0
// The host's local APIC in xAPIC mode: end of interrupt, IPIs, the one-shot timer. [apm2] 16.
#pragma once

#include "hv/base/address.hpp"
#include "hv/x86/traps.hpp"

#include <cstdint>

namespace hv::x86 {

inline constexpr Paddr apic_base{0xfee00000};

// Enables this CPU's APIC with its timer masked and its spurious vector set.
void apic_enable();
uint32_t apic_id();
void apic_eoi();
void apic_send_ipi(uint32_t apic_id, HostVector vector);
void apic_send_nmi_to_others();
// INIT or STARTUP to a CPU that has not been started; `page` is the start page of STARTUP.
void apic_send_init(uint32_t apic_id);
void apic_send_startup(uint32_t apic_id, uint8_t page);

// One-shot timer in ticks of the bus clock divided by 1; 0 stops it.
void apic_timer_start(uint32_t ticks);
// Arms the timer with its interrupt masked, for calibration, and reads what is left.
void apic_timer_start_silent(uint32_t ticks);
uint32_t apic_timer_left();

}  // namespace hv::x86
