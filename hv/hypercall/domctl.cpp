// SPDX-License-Identifier: Apache-2.0
// domctl(arg): what became of a domain, for the Xenstore service. [xen-pub] domctl.h.
#include "hv/abi/xen_domctl.hpp"
#include "hv/hypercall/handlers.hpp"

namespace hv::hypercall {

namespace {

using launch::Role;

// What is refused never existed for others, and what is torn down does not any more.
bool exists(domain::Domain& d) {
    const LockGuard guard{d.lock};
    return d.state != domain::State::Refused && !d.is_torn_down.load(std::memory_order_acquire);
}

uint16_t capabilities(const domain::Domain& d) {
    const auto bit = [&d](Role role, uint16_t value) { return d.roles.has(role) ? value : 0; };
    return static_cast<uint16_t>(bit(Role::Control, abi::XEN_DOMCTL_GETDOMSTATE_CAP_CONTROL) |
                                 bit(Role::Hardware, abi::XEN_DOMCTL_GETDOMSTATE_CAP_HARDWARE) |
                                 bit(Role::Xenstore, abi::XEN_DOMCTL_GETDOMSTATE_CAP_XENSTORE));
}

Answer get_domain_state(const Call& call, abi::DomctlGetDomainState args) {
    domain::Domain* const d = domain::find(DomainId{args.domain});
    if (d == nullptr || !exists(*d)) {
        return fail(Errno::XEN_ESRCH);
    }
    args.state = abi::XEN_DOMCTL_GETDOMSTATE_STATE_EXIST;
    if (d->is_dying.load(std::memory_order_acquire)) {
        args.state |= abi::XEN_DOMCTL_GETDOMSTATE_STATE_SHUTDOWN;
    }
    args.caps = capabilities(*d);
    args.pad0 = 0;
    args.unique_id = d->id.value();  // no id is used twice
    TRY(write(call, call.pointer(0), args));
    return 0;
}

}  // namespace

Answer domctl(Call& call) {
    if (!call.domain().roles.has(Role::Xenstore)) {
        return fail(Errno::XEN_EPERM);
    }
    const auto args = TRY(read<abi::DomctlGetDomainState>(call, call.pointer(0)));
    if (static_cast<abi::Domctl>(args.cmd) != abi::Domctl::XEN_DOMCTL_get_domain_state) {
        return fail(Errno::XEN_EPERM);
    }
    if (args.interface_version != 0) {
        return fail(Errno::XEN_EACCES);
    }
    return get_domain_state(call, args);
}

}  // namespace hv::hypercall
