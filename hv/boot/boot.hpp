// SPDX-License-Identifier: Apache-2.0
// Where C++ begins.
#pragma once

#include <cstdint>

namespace hv::boot {

struct Machine;

// Runs the whole boot story of ARCHITECTURE.md; ends in the run loop.
[[noreturn]] void boot(Machine& machine);

}  // namespace hv::boot

extern "C" [[noreturn]] void boot_from_multiboot1(uint32_t magic, uint32_t information);
