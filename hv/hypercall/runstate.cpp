// SPDX-License-Identifier: Apache-2.0
#include "hv/hypercall/runstate.hpp"

#include "hv/domain/guest_copy.hpp"

namespace hv::hypercall {

namespace {

abi::Runstate to_runstate(sched::RunState state) {
    switch (state) {
        case sched::RunState::Running:
            return abi::Runstate::RUNSTATE_running;
        case sched::RunState::Runnable:
            return abi::Runstate::RUNSTATE_runnable;
        case sched::RunState::Blocked:
            return abi::Runstate::RUNSTATE_blocked;
        case sched::RunState::Offline:
            break;
    }
    return abi::Runstate::RUNSTATE_offline;
}

}  // namespace

abi::VcpuRunstateInfo runstate_of(const domain::Vcpu& vcpu, uint64_t now_ns) {
    const sched::Entity& entity = vcpu.sched;
    abi::VcpuRunstateInfo info{};
    info.state = static_cast<uint32_t>(to_runstate(entity.state));
    info.state_entry_time = entity.since_ns;
    for (size_t n = 0; n < entity.time_ns.size(); ++n) {
        const auto runstate = to_runstate(static_cast<sched::RunState>(n));
        info.time[static_cast<size_t>(runstate)] = entity.time_ns[n];
    }
    if (now_ns > entity.since_ns) {
        info.time[info.state] += now_ns - entity.since_ns;
    }
    return info;
}

void refresh_runstate(const domain::Vcpu& vcpu, uint64_t now_ns) {
    if (vcpu.runstate_area != GuestVaddr{0}) {
        // A guest that unmaps its area loses the update, nothing else.
        static_cast<void>(
            domain::write_guest(vcpu, vcpu.runstate_area, runstate_of(vcpu, now_ns)).ok());
    }
}

}  // namespace hv::hypercall
