// SPDX-License-Identifier: Apache-2.0
// The registers of the 16550 at COM1. Used by hv/dev/uart* and its test alone.
#pragma once

#include <cstdint>

namespace hv::dev {

inline constexpr uint16_t com1 = 0x3f8;
enum UartRegister : uint16_t { RBR = 0, THR = 0, IER = 1, FCR = 2, LCR = 3, MCR = 4, LSR = 5 };
inline constexpr uint8_t ier_data_available = 1 << 0;
inline constexpr uint8_t mcr_dtr_rts = 0x03;
inline constexpr uint8_t mcr_out2 = 1 << 3;  // lets the interrupt out of a PC's UART
inline constexpr uint8_t lsr_data_ready = 1 << 0;
inline constexpr uint8_t lsr_thr_empty = 1 << 5;

}  // namespace hv::dev
