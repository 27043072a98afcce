// SPDX-License-Identifier: Apache-2.0
// Copies between the hypervisor and a guest's virtual memory: the only way to read a hypercall's
// buffers. Translates with the vCPU's own page tables (flat when its paging is off), then its p2m.
// Nothing is trusted: every page is checked, nothing is read twice.
#pragma once

#include "hv/base/address.hpp"
#include "hv/base/result.hpp"
#include "hv/domain/vcpu.hpp"

#include <cstddef>
#include <span>

namespace hv::domain {

struct CopyFault {};  // the caller answers -EFAULT

Result<void, CopyFault> copy_from_guest(const Vcpu& vcpu, std::span<std::byte> to, GuestVaddr from);
Result<void, CopyFault> copy_to_guest(const Vcpu& vcpu, GuestVaddr to,
                                      std::span<const std::byte> from);

// The guest physical address behind a virtual one, for structures that stay registered.
Result<GuestPaddr, CopyFault> translate(const Vcpu& vcpu, GuestVaddr address, bool write);

template <class T>
Result<T, CopyFault> read_guest(const Vcpu& vcpu, GuestVaddr from) {
    T value{};
    TRY(copy_from_guest(vcpu, std::as_writable_bytes(std::span{&value, 1}), from));
    return value;
}
template <class T>
Result<void, CopyFault> write_guest(const Vcpu& vcpu, GuestVaddr to, const T& value) {
    return copy_to_guest(vcpu, to, std::as_bytes(std::span{&value, 1}));
}

}  // namespace hv::domain
