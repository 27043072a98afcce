// SPDX-License-Identifier: Apache-2.0
// The platform of a test guest: its PV console ring, so that the console service is tested as well.
// Nothing here waits for ever: a console that nobody drains must not hide the verdict's absence.
// A domain that has no ring writes to the hypervisor.
#include "domb/rt/address_space.hpp"
#include "domb/rt/clock.hpp"
#include "domb/rt/hypercall.hpp"
#include "domb/rt/platform.hpp"
#include "hv/abi/xen_console.hpp"
#include "hv/abi/xen_event_channel.hpp"
#include "hv/abi/xen_hvm.hpp"
#include "hv/base/address.hpp"

#include <atomic>

namespace rt {
namespace {

using hv::abi::HvmParam;
using hv::abi::XenconsInterface;

constexpr uint64_t patience_ns = 30'000'000'000;

uint64_t get_param(HvmParam index) {
    hv::abi::HvmParamArgs argument{
        .domid = hv::abi::DOMID_SELF, .pad = 0, .index = static_cast<uint32_t>(index), .value = 0};
    hypercall(Hypercall::hvm_op, hv::abi::HvmOp::HVMOP_get_param, &argument);
    return argument.value;
}

XenconsInterface& ring() {
    static constinit XenconsInterface* page = nullptr;
    if (page == nullptr) {
        const uint64_t at = get_param(HvmParam::HVM_PARAM_CONSOLE_PFN) * hv::page_size;
        // SAFETY: the hypervisor says that the ring is there; it is for as long as the domain is.
        page = reinterpret_cast<XenconsInterface*>(bytes_of({at, hv::page_size}).data());
    }
    return *page;
}

bool has_ring() {
    return get_param(HvmParam::HVM_PARAM_CONSOLE_PFN) != 0;
}

void notify() {
    static constinit uint32_t port = 0;
    if (port == 0) {
        port = static_cast<uint32_t>(get_param(HvmParam::HVM_PARAM_CONSOLE_EVTCHN));
    }
    const hv::abi::EvtchnSend argument{port};
    hypercall(Hypercall::event_channel_op, hv::abi::EventChannelOp::EVTCHNOP_send, &argument);
}

// Gives way until at most `bytes` are in the ring. False: nobody drains it.
bool wait_until_filled_at_most(uint32_t bytes) {
    const TscClock clock;
    const uint64_t start = clock.now_ns();
    const auto filled = [] {
        return ring().out_prod - std::atomic_ref{ring().out_cons}.load(std::memory_order_acquire);
    };
    while (filled() > bytes) {
        if (clock.now_ns() - start > patience_ns) {
            return false;
        }
        hypercall(Hypercall::sched_op, hv::abi::SchedOp::SCHEDOP_yield);
    }
    return true;
}

}  // namespace

void write(std::string_view text) {
    if (!has_ring()) {
        hypercall(Hypercall::console_io, hv::abi::ConsoleIo::CONSOLEIO_write, text.size(),
                  text.data());
        return;
    }
    for (const char c : text) {
        if (ring().out_prod - std::atomic_ref{ring().out_cons}.load() >= sizeof(ring().out)) {
            notify();
            if (!wait_until_filled_at_most(sizeof(ring().out) / 2)) {
                return;
            }
        }
        ring().out[ring().out_prod % sizeof(ring().out)] = c;
        // The byte is there before the index says so.
        std::atomic_ref{ring().out_prod}.store(ring().out_prod + 1, std::memory_order_release);
    }
    notify();
}

void shutdown(ShutdownReason reason) {
    // What is still in the ring may be lost with the domain.
    if (has_ring()) {
        (void)wait_until_filled_at_most(0);
    }
    const hv::abi::SchedShutdown argument{static_cast<uint32_t>(reason)};
    while (true) {
        hypercall(Hypercall::sched_op, hv::abi::SchedOp::SCHEDOP_shutdown, &argument);
    }
}

}  // namespace rt
