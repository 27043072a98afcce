// SPDX-License-Identifier: Apache-2.0
// Waiting of a PV test kernel, bounded in time, and the events it sends. Other vCPUs go on.
#pragma once

#include "hv/abi/xen_event_channel.hpp"
#include "hv/abi/xen_sched.hpp"
#include "tests/guest/pv/rt/kernel.hpp"

#include <cstdint>

namespace pv {

inline constexpr uint64_t second_ns = 1'000'000'000;

// Whether it holds in time: on a busy host another vCPU may stand still for seconds.
template <class Condition>
bool wait_for(Condition condition) {
    constexpr uint64_t patience_ns = 60 * second_ns;
    const uint64_t start = system_time_ns();
    while (!condition()) {
        if (system_time_ns() - start > patience_ns) {
            return false;
        }
        hypercall(Hypercall::sched_op, hv::abi::SchedOp::SCHEDOP_yield);
    }
    return true;
}

inline uint32_t bind_ipi(uint32_t vcpu) {
    hv::abi::EvtchnBindIpi args{vcpu, 0};
    check_result(
        hypercall(Hypercall::event_channel_op, hv::abi::EventChannelOp::EVTCHNOP_bind_ipi, &args),
        0, "bind_ipi");
    return args.port;
}
inline void send(uint32_t port) {
    const hv::abi::EvtchnSend args{port};
    check_result(
        hypercall(Hypercall::event_channel_op, hv::abi::EventChannelOp::EVTCHNOP_send, &args), 0,
        "send");
}

}  // namespace pv
