// SPDX-License-Identifier: Apache-2.0
// Addresses that no hypercall may be given: what a test of hostile arguments goes through.
#pragma once

#include "hv/abi/pv_layout.hpp"

#include <cstdint>

namespace pv {

inline constexpr uint64_t not_mapped = 0x123456789000;
inline constexpr uint64_t not_canonical = 0x8000000000000000;
// For structures of more than eight bytes.
inline constexpr uint64_t wraps = ~uint64_t{0} - 7;
// The M2P: mapped, but not for writing.
inline constexpr uint64_t hypervisors = hv::abi::pv_m2p_virt + 0x800;

inline constexpr uint64_t unreadable[] = {not_mapped, not_canonical, wraps};
inline constexpr uint64_t unwritable[] = {not_mapped, not_canonical, wraps, hypervisors};

}  // namespace pv
