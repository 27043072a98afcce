// SPDX-License-Identifier: Apache-2.0
// User memory of a PV test kernel, and the programs there (user_code.S).
#pragma once

#include "tests/guest/pv/rt/traps.hpp"

#include <cstdint>

namespace pv {

inline constexpr uint64_t user_code_virt = 0x10000000;
inline constexpr uint64_t user_data_virt = 0x10010000;  // one page, zero at first
inline constexpr uint64_t user_stack_top = 0x10021000;

// Maps code, data and stack. Once.
void start_user();

// Where a program of user_code.S is in user memory.
uint64_t user_address(const char* program);
// A state that begins it, with values in every register that a test can recognise.
UserState user_state(const char* program);
// The same in 32-bit mode.
UserState user32_state(const char* program);

}  // namespace pv

#define USER_PROGRAM(name) extern "C" const char name[]
