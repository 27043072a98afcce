// SPDX-License-Identifier: Apache-2.0
// The instruction that reaches the hypervisor, for the C++ code of small domains. Numbers and
// argument structs are in hv/abi. No hypercall page: VMMCALL is issued inline.
#pragma once

#include "hv/abi/xen_hypercall.hpp"

#include <cstdint>
#include <type_traits>

namespace rt {

using hv::abi::Hypercall;

// The address of something as the hypervisor takes it; also the number of an operation.
template <class T>
uint64_t to_argument(T value) {
    if constexpr (std::is_pointer_v<T>) {
        // SAFETY: only the number is used; the caller keeps the object alive during the call.
        return reinterpret_cast<uint64_t>(value);
    } else {
        return static_cast<uint64_t>(value);
    }
}

// Four registers are as many as any operation here uses. The result is a value or -errno.
inline int64_t hypercall_raw(uint64_t number, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4) {
    uint64_t result = number;
    register uint64_t r10 asm("r10") = a4;
    // SAFETY: [xen-pub] arch-x86/xen-x86_64.h: rax, rdi, rsi, rdx, r10, r8 are all it reads or
    // clobbers; "memory" covers what the arguments point to.
    asm volatile("vmmcall"
                 : "+a"(result), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10)
                 :
                 : "r8", "memory");
    return static_cast<int64_t>(result);
}

template <class A1, class A2 = uint64_t, class A3 = uint64_t, class A4 = uint64_t>
int64_t hypercall(Hypercall number, A1 a1, A2 a2 = {}, A3 a3 = {}, A4 a4 = {}) {
    return hypercall_raw(static_cast<uint64_t>(number), to_argument(a1), to_argument(a2),
                         to_argument(a3), to_argument(a4));
}

}  // namespace rt
