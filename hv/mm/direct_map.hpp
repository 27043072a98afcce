// SPDX-License-Identifier: Apache-2.0
// The one place that turns a machine physical address into a pointer. In the hypervisor every frame
// has exactly one virtual address, equal to its physical one (no alias can defeat W^X); in host
// tests physical memory is a buffer that the fake memory installs here.
#pragma once

#include "hv/base/address.hpp"

#include <cstddef>

namespace hv::mm {

extern std::byte* direct_map_base;

inline std::byte* direct_map(Paddr address) {
    return direct_map_base + address.value();
}
inline std::byte* direct_map(Mfn frame) {
    return direct_map(to_paddr(frame));
}

// SAFETY: the caller owns the frame and has made sure that a T lives there, or may: T is a
// trivially copyable layout struct.
template <class T>
T* direct_map_as(Paddr address) {
    return reinterpret_cast<T*>(direct_map(address));
}

inline Paddr to_paddr(const void* pointer) {
    return Paddr{static_cast<uint64_t>(static_cast<const std::byte*>(pointer) - direct_map_base)};
}

}  // namespace hv::mm
