// SPDX-License-Identifier: Apache-2.0
// Indices of the console ring that make no sense, again and again; then text as fast as it goes,
// for `seconds`. The console service has to survive both and to keep serving the others; afterwards
// this guest's own console works again.
#include "domb/rt/hypercall.hpp"
#include "hv/abi/xen_console.hpp"
#include "hv/abi/xen_event_channel.hpp"
#include "hv/abi/xen_hvm.hpp"
#include "hv/abi/xen_sched.hpp"
#include "tests/guest/harness/guest.hpp"

#include <atomic>

namespace {

void flood(uint64_t seconds) {
    const uint64_t end = guest::now_ns() + seconds * 1'000'000'000;
    for (uint64_t line = 0; guest::now_ns() < end; ++line) {
        hv::TextOf<80> text;
        guest::print(text.put("a line of a flood, number ").dec(line).put('\n').view());
    }
}

}  // namespace

void guest::run(const rt::StartInfo& info) {
    constexpr uint64_t ring_gpaddr = 0xfefff000;
    hv::abi::HvmParamArgs param{hv::abi::DOMID_SELF, 0,
                                static_cast<uint32_t>(hv::abi::HvmParam::HVM_PARAM_CONSOLE_EVTCHN),
                                0};
    if (rt::hypercall(rt::Hypercall::hvm_op, hv::abi::HvmOp::HVMOP_get_param, &param) != 0) {
        error("no console port");
    }
    const hv::abi::EvtchnSend send{static_cast<uint32_t>(param.value)};
    // SAFETY: every PVH domain has its console ring there.
    auto& ring = *reinterpret_cast<hv::abi::XenconsInterface*>(ring_gpaddr);
    uint32_t random = 2463534242;
    for (int i = 0; i < 100; ++i) {
        random ^= random << 13, random ^= random >> 17, random ^= random << 5;
        std::atomic_ref{ring.out_prod}.store(random);
        std::atomic_ref{ring.out_cons}.store(random * 7);
        std::atomic_ref{ring.in_cons}.store(random * 13);
        rt::hypercall(rt::Hypercall::event_channel_op, hv::abi::EventChannelOp::EVTCHNOP_send,
                      &send);
        rt::hypercall(rt::Hypercall::sched_op, hv::abi::SchedOp::SCHEDOP_yield);
    }
    // The service has now taken everything up to out_prod, or does so with the next notice.
    const uint64_t limit = now_ns() + 30'000'000'000;
    while (std::atomic_ref{ring.out_cons}.load() != ring.out_prod) {
        if (now_ns() > limit) {
            fail("nobody drains the console any more");
        }
        rt::hypercall(rt::Hypercall::event_channel_op, hv::abi::EventChannelOp::EVTCHNOP_send,
                      &send);
        rt::hypercall(rt::Hypercall::sched_op, hv::abi::SchedOp::SCHEDOP_yield);
    }
    print("\n");
    flood(option(info, "seconds", 2));
}
