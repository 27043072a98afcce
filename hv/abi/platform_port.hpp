// SPDX-License-Identifier: Apache-2.0
// I/O ports that the hypervisor answers in a PVH domain, beside reading as absent everywhere else.
// domB names them in the FADT.
#pragma once

#include <cstdint>

namespace hv::abi {

// SLEEP_CONTROL_REG and SLEEP_STATUS_REG of hardware-reduced ACPI, [acpi] 4.8.3.7: how a stock
// kernel turns its machine off without any fixed hardware.
inline constexpr uint16_t sleep_control_port = 0x404;
inline constexpr uint16_t sleep_status_port = 0x405;

inline constexpr uint8_t sleep_enable = 1 << 5;    // SLP_EN
inline constexpr uint8_t sleep_type_shift = 2;     // SLP_TYPx, 3 bits
inline constexpr uint8_t sleep_type_soft_off = 5;  // as \_S5 in the DSDT says

}  // namespace hv::abi
