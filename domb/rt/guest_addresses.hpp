// SPDX-License-Identifier: Apache-2.0
// Where small domains put pages that are not their RAM: in the hole below 4 GiB, away from what
// ARCHITECTURE.md places there.
#pragma once

#include <cstdint>

namespace rt {

inline constexpr uint64_t shared_info_gpaddr = 0xd0000000;
inline constexpr uint64_t grants_gpaddr = 0xd0100000;

}  // namespace rt
