// SPDX-License-Identifier: Apache-2.0
// Boot step: free frames, frame table, and the hypervisor's own W^X page tables.
#pragma once

#include "hv/boot/machine.hpp"

namespace hv::boot {

// From BootInfo's ranges to a running memory system. PANICs when the machine has too little.
void start_memory(Machine& machine);

// Switches this CPU to the hypervisor's page tables.
void use_host_map(const Machine& machine);

// A stack with an unmapped page below it; its top.
uint64_t make_stack(Machine& machine, uint64_t bytes);

}  // namespace hv::boot
