// SPDX-License-Identifier: Apache-2.0
// domctl(arg): what became of a domain, for the Xenstore service; to start and to end one, for the
// launcher. [xen-pub] domctl.h.
#include "hv/abi/xen_domctl.hpp"
#include "hv/hypercall/handlers.hpp"
#include "hv/launch/order.hpp"

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

Answer get_domain_state(const Call& call, const abi::DomctlHead& asked) {
    domain::Domain* const d = domain::find(DomainId{asked.domain});
    if (d == nullptr || !exists(*d)) {
        return fail(Errno::XEN_ESRCH);
    }
    abi::DomctlGetDomainState answer{.cmd = asked.cmd,
                                     .interface_version = asked.interface_version,
                                     .domain = asked.domain,
                                     .pad = {},
                                     .state = abi::XEN_DOMCTL_GETDOMSTATE_STATE_EXIST,
                                     .caps = capabilities(*d),
                                     .pad0 = 0,
                                     .unique_id = d->id.value()};  // no id is used twice
    if (d->is_dying.load(std::memory_order_acquire)) {
        answer.state |= abi::XEN_DOMCTL_GETDOMSTATE_STATE_SHUTDOWN;
    }
    TRY(write(call, call.pointer(0), answer));
    return 0;
}

Result<void, Errno> require(const Call& call, Role role, const abi::DomctlHead& head,
                            uint32_t version) {
    if (!call.domain().roles.has(role)) {
        return fail(Errno::XEN_EPERM);
    }
    if (head.interface_version != version) {
        return fail(Errno::XEN_EACCES);
    }
    return Ok{};
}

}  // namespace

Answer domctl(Call& call) {
    if (!call.domain().roles.has(Role::Xenstore) && !call.domain().roles.has(Role::Launcher)) {
        return fail(Errno::XEN_EPERM);
    }
    const auto head = TRY(read<abi::DomctlHead>(call, call.pointer(0)));
    switch (static_cast<abi::Domctl>(head.cmd)) {
        case abi::Domctl::XEN_DOMCTL_get_domain_state:
            TRY(require(call, Role::Xenstore, head, 0));
            return get_domain_state(call, head);
        case abi::Domctl::XEN_DOMCTL_unpausedomain:
            TRY(require(call, Role::Launcher, head, abi::XEN_DOMCTL_INTERFACE_VERSION));
            TRY(hyperlaunch::start_held(DomainId{head.domain}));
            return 0;
        case abi::Domctl::XEN_DOMCTL_destroydomain:
            TRY(require(call, Role::Launcher, head, abi::XEN_DOMCTL_INTERFACE_VERSION));
            TRY(hyperlaunch::stop(call.domain(), DomainId{head.domain}));
            return 0;
    }
    return fail(Errno::XEN_EPERM);
}

}  // namespace hv::hypercall
