// SPDX-License-Identifier: Apache-2.0
// Hypercalls of a PV kernel: through the hypercall page, or by SYSCALL, as `pv_uses_syscall` says.
// [xen-pub] arch-x86/xen-x86_64.h.
#pragma once

#include "hv/abi/xen_errno.hpp"
#include "hv/abi/xen_hypercall.hpp"

#include <cstdint>
#include <type_traits>

extern "C" {
extern uint8_t pv_hypercall_page[4096];
extern bool pv_uses_syscall;
extern uint64_t pv_iret_flags;  // VGCF_* of every iret
}

namespace pv {

using hv::abi::Hypercall;

constexpr int64_t minus(hv::abi::Errno error) {
    return -static_cast<int64_t>(error);
}

// The address of something as hv takes it; also the number of an operation.
template <class T>
uint64_t to_argument(T value) {
    if constexpr (std::is_pointer_v<T>) {
        // SAFETY: only the number is used; the caller keeps the object alive during the call.
        return reinterpret_cast<uint64_t>(value);
    } else {
        return static_cast<uint64_t>(value);
    }
}

inline int64_t hypercall_raw(uint64_t number, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4) {
    uint64_t result = number;
    register uint64_t r10 asm("r10") = a4;
    if (pv_uses_syscall) {
        // SAFETY: SYSCALL from the kernel is a hypercall; "memory" covers what arguments point to.
        asm volatile("syscall"
                     : "+a"(result), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10)
                     :
                     : "rcx", "r11", "r8", "memory");
    } else {
        const uint8_t* entry = pv_hypercall_page + number % 128 * 32;
        // SAFETY: the page's stubs keep every register but rax; there is no red zone to damage.
        asm volatile("call *%[entry]"
                     : "+a"(result), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10)
                     : [entry] "r"(entry)
                     : "r8", "memory");
    }
    return static_cast<int64_t>(result);
}

template <class A1, class A2 = uint64_t, class A3 = uint64_t, class A4 = uint64_t>
int64_t hypercall(Hypercall number, A1 a1, A2 a2 = {}, A3 a3 = {}, A4 a4 = {}) {
    return hypercall_raw(static_cast<uint64_t>(number), to_argument(a1), to_argument(a2),
                         to_argument(a3), to_argument(a4));
}

}  // namespace pv
