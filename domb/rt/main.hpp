// SPDX-License-Identifier: Apache-2.0
// What a program on this runtime defines.
#pragma once

#include <cstdint>

namespace rt {

// The program. `start_info` is the guest physical address of hvm_start_info, 0 in domB.
// Returning ends the domain as powered off.
void domain_main(uint64_t start_info);

}  // namespace rt
