// SPDX-License-Identifier: Apache-2.0
// One hypercall while it is handled: who called, with which arguments; and the edge where errors
// of the layers below become Xen's errno values.
//
// Long calls do a bounded part, change their arguments to stand for the rest, and return
// `again(...)`. The guest's RIP is then not advanced: when the vCPU runs next, it makes the call
// again with the new arguments, and other vCPUs have had their turn. A PVH guest takes interrupts
// there; a PV guest is in its stub with IF clear, and gets events when all of the call is done. A
// guest can make up such arguments itself, so they are checked like any others.
//
// What is bounded: the page tables and the names that are looked at, the elements of a list, and,
// because elements may wait for other CPUs or for the UART, the time that a list takes.
#pragma once

#include "hv/abi/xen_errno.hpp"
#include "hv/base/address.hpp"
#include "hv/base/result.hpp"
#include "hv/domain/domain.hpp"
#include "hv/domain/guest_copy.hpp"
#include "hv/domain/physmap.hpp"
#include "hv/domain/vcpu.hpp"
#include "hv/event/event_channels.hpp"
#include "hv/pv/exchange.hpp"
#include "hv/pv/frames.hpp"
#include "hv/pv/page_tables.hpp"
#include "hv/pv/start.hpp"
#include "hv/sched/sched.hpp"

#include <array>
#include <cstdint>
#include <span>

namespace hv::hypercall {

using abi::Errno;

struct Call {
    domain::Vcpu& vcpu;
    uint64_t number = 0;             // RAX
    std::array<uint64_t, 5> args{};  // RDI, RSI, RDX, R10, R8
    // Page tables of the guest that may still be looked through before the call gives way.
    static constexpr uint32_t most_tables = 64;
    uint32_t tables_left = most_tables;
    uint64_t looks_left = pv::most_looks;  // at names of frames, likewise
    uint64_t turn_ends_ns = ~uint64_t{0};  // see is_turn_over()

    [[nodiscard]] domain::Domain& domain() const { return *vcpu.domain; }
    [[nodiscard]] GuestVaddr pointer(size_t n) const { return GuestVaddr{args[n]}; }
    // Whether it has taken so long that its list gives way before the next element. Asked after
    // the first one, so that every call gets on.
    [[nodiscard]] bool is_turn_over() const { return sched::now_ns() >= turn_ends_ns; }
};

// What goes into RAX, or why the call failed. XEN_ERESTART: see above.
using Answer = Result<uint64_t, Errno>;

inline Err<Errno> fail(Errno why) {
    return Err{why};
}
// Call again with the arguments as they are in `call` now.
inline Err<Errno> again() {
    return Err{Errno::XEN_ERESTART};
}

Errno to_errno(domain::CopyFault);
Errno to_errno(domain::PhysmapError error);
Errno to_errno(event::Error error);
Errno to_errno(pv::TableError error);
Errno to_errno(pv::FrameError error);
Errno to_errno(pv::ExchangeError error);
Errno to_errno(pv::StartError error);
inline Errno to_errno(Errno error) {
    return error;
}

// The same result with Xen's error; `TRY(edge(...))`.
template <class T, class E>
Result<T, Errno> edge(Result<T, E> result) {
    if (!result.ok()) {
        return Err{to_errno(result.error())};
    }
    if constexpr (std::is_void_v<T>) {
        return Ok{};
    } else {
        return result.take();
    }
}

// The arguments a guest points to, copied once.
template <class T>
Result<T, Errno> read(const Call& call, GuestVaddr from) {
    return edge(domain::read_guest<T>(call.vcpu, from));
}
template <class T>
Result<void, Errno> write(const Call& call, GuestVaddr to, const T& value) {
    return edge(domain::write_guest(call.vcpu, to, value));
}

// Element `n` of a guest's array. Wraps like the guest's own pointer arithmetic would; the copy
// checks what comes out.
template <class T>
GuestVaddr element(GuestVaddr array, uint64_t n) {
    return array + n * sizeof(T);
}

// The domain itself, by DOMID_SELF or its own id: all that most operations allow.
Result<void, Errno> require_self(const Call& call, uint16_t domid);
// Any other domain that exists and has not ended.
Result<domain::Domain*, Errno> find_other(const Call& call, uint16_t domid);
// Another domain that has not ended and whose memory the caller may reach: XEN_ESRCH if there is
// none, XEN_EPERM if the caller may not. DOMID_SELF is nobody here, as on Xen.
Result<domain::Domain*, Errno> find_controlled(const Call& call, uint16_t domid);
// The caller's own domain, or, for the builder, one under construction.
Result<domain::Domain*, Errno> self_or_under_construction(const Call& call, uint16_t domid);

}  // namespace hv::hypercall
