// SPDX-License-Identifier: Apache-2.0
// What the guests of exceptions share: names of the ABI, and where the emulator is unlike a
// processor.
#pragma once

#include "tests/guest/pv/rt/kernel.hpp"

#include <cstdint>

namespace pv {

constexpr uint64_t flag_if = 0x200;
constexpr uint64_t flag_tf = 0x100;
constexpr uint64_t not_canonical = 0x8000'0000'0000'0000;

constexpr unsigned DE = 0, DB = 1, BP = 3, OF = 4, UD = 6, NM = 7, SS = 12, GP = 13, PF = 14;

inline uint8_t& upcall_mask() {
    return vcpu_info().evtchn_upcall_mask;
}

// All of it twice: with hypercalls through the page and by SYSCALL.
template <class F>
void run_both_ways(F all) {
    all();
    print("once more by SYSCALL\n");
    pv_uses_syscall = true;
    all();
}

}  // namespace pv
