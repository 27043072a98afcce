// SPDX-License-Identifier: Apache-2.0
// How the machine ends.
#pragma once

#include <cstdint>

namespace hv::dev {

enum class MachineStatus : uint8_t {
    Ok,          // every domain reached its expected end
    Unexpected,  // some did not
    Failed,      // nothing was started, or the hypervisor failed
};

// Remembers the ACPI power button registers: PM1a control port and the S5 sleep type.
void set_power_off_port(uint16_t pm1a_control, uint8_t s5_sleep_type);

// Writes the last line of the launch record and turns the machine off.
[[noreturn]] void power_off(MachineStatus status);

}  // namespace hv::dev
