// SPDX-License-Identifier: Apache-2.0
// What the guests of exceptions share: names of the ABI, and where the emulator is unlike a
// processor.
#pragma once

#include "tests/guest/pv/rt/kernel.hpp"
#include "tests/guest/pv/rt/pointers.hpp"

#include <cstdint>

namespace pv {

constexpr uint64_t flag_if = 0x200;
constexpr uint64_t flag_tf = 0x100;

constexpr unsigned DE = 0, DB = 1, BP = 3, OF = 4, UD = 6, NM = 7, SS = 12, GP = 13, PF = 14;

inline uint8_t& upcall_mask() {
    return vcpu_info().evtchn_upcall_mask;
}

}  // namespace pv
