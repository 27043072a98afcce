// SPDX-License-Identifier: Apache-2.0
// The instruction that reaches the hypervisor, for the C++ code of small domains. Numbers and
// argument structs are in hv/abi. No hypercall page: VMMCALL is issued inline.
#pragma once

#include <cstdint>

namespace rt {

// Five registers are more than any operation here uses. The result is a value or -errno.
inline int64_t hypercall(uint64_t number, uint64_t a1 = 0, uint64_t a2 = 0, uint64_t a3 = 0,
                         uint64_t a4 = 0) {
    uint64_t result = number;
    register uint64_t r10 asm("r10") = a4;
    // SAFETY: [xen-pub] arch-x86/xen-x86_64.h: rax, rdi, rsi, rdx, r10 are all it reads or
    // clobbers; "memory" covers what the arguments point to.
    asm volatile("vmmcall"
                 : "+a"(result), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10)
                 :
                 : "r8", "memory");
    return static_cast<int64_t>(result);
}

// Arguments are passed by guest virtual address.
inline uint64_t address_of(const void* p) {
    // SAFETY: only the number is used; the caller keeps the object alive during the call.
    return reinterpret_cast<uint64_t>(p);
}

}  // namespace rt
