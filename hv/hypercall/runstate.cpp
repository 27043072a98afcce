// SPDX-License-Identifier: Apache-2.0
#include "hv/hypercall/runstate.hpp"

#include "hv/abi/xen_hypercall.hpp"
#include "hv/domain/domain.hpp"
#include "hv/domain/guest_copy.hpp"
#include "hv/pv/pv.hpp"

#include <atomic>
#include <cstddef>

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

bool marks_updates(const domain::Domain& domain) {
    return domain.pv != nullptr &&
           (domain.pv->vm_assist.load() >> abi::VMASST_TYPE_runstate_update_flag & 1) != 0;
}

// With the mark, which a reader on another vCPU waits for: set before anything else changes, taken
// away when all has changed. An area that ends half-way stays marked.
Result<void, domain::CopyFault> write_area(const domain::Vcpu& vcpu, abi::VcpuRunstateInfo info) {
    const GuestVaddr area = vcpu.runstate_area;
    if (!marks_updates(*vcpu.domain)) {
        return domain::write_guest(vcpu, area, info);
    }
    const GuestVaddr marked = area + offsetof(abi::VcpuRunstateInfo, state_entry_time);
    const uint64_t entry_time = info.state_entry_time;
    info.state_entry_time |= abi::XEN_RUNSTATE_UPDATE;
    TRY(domain::write_guest(vcpu, marked, info.state_entry_time));
    std::atomic_thread_fence(std::memory_order_seq_cst);  // the mark before the rest,
    TRY(domain::write_guest(vcpu, area, info));
    std::atomic_thread_fence(std::memory_order_seq_cst);  // and the rest before it goes
    return domain::write_guest(vcpu, marked, entry_time);
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
        static_cast<void>(write_area(vcpu, runstate_of(vcpu, now_ns)).ok());
    }
}

}  // namespace hv::hypercall
