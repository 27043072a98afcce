// SPDX-License-Identifier: Apache-2.0
#include "tests/guest/harness/meeting.hpp"

#include "domb/rt/hypercall.hpp"
#include "hv/abi/xen_errno.hpp"
#include "tests/guest/harness/guest.hpp"

namespace guest {

namespace {

using hv::abi::EventChannelOp;

constexpr uint32_t most_ports = 32;  // more than these guests have
constexpr uint64_t ms = 1'000'000;
constexpr uint64_t patience_ns = 100'000 * ms;

// A port of ours for the other domain.
uint32_t offer_to(hv::DomainId other) {
    hv::abi::EvtchnAllocUnbound own{hv::abi::DOMID_SELF, other.value(), 0};
    if (rt::hypercall(rt::Hypercall::event_channel_op, EventChannelOp::EVTCHNOP_alloc_unbound,
                      &own) != 0) {
        error("no port for a meeting");
    }
    return own.port;
}

// Of the other domain's ports only the one that it offers can be bound.
bool take_offer_of(rt::EventChannels& events, hv::DomainId other) {
    for (uint32_t port = 1; port < most_ports; ++port) {
        if (const auto bound = events.bind_interdomain(other, port)) {
            events.notify(*bound);
            return true;
        }
    }
    return false;
}

}  // namespace

// Who comes second takes the offer of the first, who learns it by an event that stays even if the
// second has ended meanwhile.
void meet(rt::EventChannels& events, hv::DomainId other) {
    const uint32_t own = offer_to(other);
    const uint64_t start = events.now_ns();
    while (!events.clear(own) && !take_offer_of(events, other)) {
        if (events.now_ns() - start > patience_ns) {
            fail("nobody to meet: domain", other.value());
        }
        events.wait({}, events.now_ns() + 5 * ms);
    }
}

bool is_gone(hv::DomainId other) {
    hv::abi::EvtchnBindInterdomain nothing{};
    nothing.remote_dom = other.value();
    return rt::hypercall(rt::Hypercall::event_channel_op, EventChannelOp::EVTCHNOP_bind_interdomain,
                         &nothing) == -static_cast<int64_t>(hv::abi::Errno::XEN_ESRCH);
}

}  // namespace guest
