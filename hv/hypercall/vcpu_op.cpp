// SPDX-License-Identifier: Apache-2.0
// vcpu_op(cmd, vcpu id, arg). [xen-pub] vcpu.h. Secondary vCPUs of a PVH guest are started by
// INIT and STARTUP through the local APIC, so VCPUOP_initialise is for PV kernels.
#include "hv/abi/xen_shared_info.hpp"
#include "hv/abi/xen_vcpu.hpp"
#include "hv/event/vcpu_info.hpp"
#include "hv/hypercall/handlers.hpp"
#include "hv/hypercall/runstate.hpp"
#include "hv/pv/area.hpp"
#include "hv/pv/pv.hpp"
#include "hv/pv/start.hpp"
#include "hv/sched/sched.hpp"

#include <algorithm>

namespace hv::hypercall {

namespace {

constexpr size_t argument = 2;

// Secondary vCPUs of a PV kernel.
Answer initialise(const Call& call, domain::Vcpu& vcpu) {
    if (vcpu.pv == nullptr) {
        return fail(Errno::XEN_ENOSYS);
    }
    const LockGuard guard{vcpu.domain->lock};
    abi::VcpuGuestContext& context = *vcpu.domain->pv->context;
    TRY(edge(domain::copy_from_guest(call.vcpu, std::as_writable_bytes(std::span{&context, 1}),
                                     call.pointer(argument))));
    if (vcpu.is_initialised) {
        return fail(Errno::XEN_EEXIST);
    }
    TRY(edge(pv::initialise(vcpu, context)));
    return 0;
}

Answer send_nmi(domain::Vcpu& vcpu) {
    if (vcpu.pv == nullptr) {
        return fail(Errno::XEN_ENOSYS);
    }
    vcpu.nmi_pending.store(true, std::memory_order_release);
    sched::wake(vcpu);
    return 0;
}

Answer up(domain::Vcpu& vcpu) {
    if (!vcpu.is_initialised) {
        return fail(Errno::XEN_EINVAL);
    }
    const LockGuard guard{vcpu.domain->lock};
    if (!vcpu.is_up) {
        sched::set_online(vcpu, true);
    }
    return 0;
}

Answer down(domain::Vcpu& vcpu) {
    domain::Domain& domain = *vcpu.domain;
    {
        const LockGuard guard{domain.lock};
        const bool is_last =
            std::none_of(domain.vcpus.begin(), domain.vcpus.end(),
                         [&](const domain::Vcpu* v) { return v != &vcpu && v->is_up; });
        if (!is_last) {
            sched::set_online(vcpu, false);
            return 0;
        }
    }
    // As on Xen: a domain without a vCPU that could run has ended.
    domain::end(domain, domain::End::Poweroff, "last vCPU taken down");
    return 0;
}

Answer register_vcpu_info(const Call& call, domain::Vcpu& vcpu) {
    const auto args = TRY(read<abi::VcpuRegisterVcpuInfo>(call, call.pointer(argument)));
    if (&vcpu != &call.vcpu && vcpu.is_up) {
        return fail(Errno::XEN_EINVAL);  // Its owner could be using the old one right now.
    }
    if (vcpu.pv != nullptr && !pv::own_frame(call.domain(), Gfn{args.mfn})) {
        return fail(Errno::XEN_EINVAL);
    }
    const auto registered = event::register_vcpu_info(vcpu, Gfn{args.mfn}, args.offset);
    if (!registered.ok()) {
        return fail(Errno::XEN_EINVAL);
    }
    if (vcpu.pv != nullptr) {
        pv::set_vcpu_info(vcpu, Gfn{args.mfn}, args.offset);
    }
    return 0;
}

Answer register_runstate(const Call& call, domain::Vcpu& vcpu) {
    const auto args = TRY(read<abi::VcpuRegisterRunstateMemoryArea>(call, call.pointer(argument)));
    const GuestVaddr area{args.addr.p};
    if (area != GuestVaddr{0}) {
        TRY(write(call, area, runstate_of(vcpu, sched::now_ns())));
    }
    vcpu.runstate_area = area;
    return 0;
}

Answer register_time(const Call& call, domain::Vcpu& vcpu) {
    const auto args = TRY(read<abi::VcpuRegisterTimeMemoryArea>(call, call.pointer(argument)));
    const GuestVaddr area{args.addr.p};
    if (area == GuestVaddr{0}) {
        vcpu.time_area = {};
        return 0;
    }
    if (page_offset(area.value()) > page_size - sizeof(abi::VcpuTimeInfo)) {
        return fail(Errno::XEN_EINVAL);
    }
    const GuestPaddr address = TRY(edge(domain::translate(call.vcpu, area, true)));
    if (const abi::VcpuInfo* info = vcpu.info.load(); info != nullptr) {
        TRY(write(call, area, info->time));
    }
    vcpu.time_area = address;
    return 0;
}

Answer set_singleshot(const Call& call, domain::Vcpu& vcpu) {
    if (&vcpu != &call.vcpu) {
        return fail(Errno::XEN_EINVAL);
    }
    const auto args = TRY(read<abi::VcpuSetSingleshotTimer>(call, call.pointer(argument)));
    if ((args.flags & abi::VCPU_SSHOTTMR_future) != 0 && args.timeout_abs_ns < sched::now_ns()) {
        return fail(Errno::XEN_ETIME);
    }
    // 0 is in the past here, and would mean "disarm" there.
    sched::set_singleshot_timer(vcpu, std::max<uint64_t>(args.timeout_abs_ns, 1));
    return 0;
}

Answer stop_singleshot(const Call& call, domain::Vcpu& vcpu) {
    if (&vcpu != &call.vcpu) {
        return fail(Errno::XEN_EINVAL);
    }
    sched::set_singleshot_timer(vcpu, 0);
    return 0;
}

}  // namespace

Answer vcpu_op(Call& call) {
    domain::Domain& domain = call.domain();
    if (static_cast<uint32_t>(call.args[1]) >= domain.vcpus.size()) {
        return fail(Errno::XEN_ENOENT);
    }
    domain::Vcpu& vcpu = *domain.vcpus[static_cast<uint32_t>(call.args[1])];
    switch (static_cast<abi::VcpuOp>(call.args[0])) {
        case abi::VcpuOp::VCPUOP_initialise:
            return initialise(call, vcpu);
        case abi::VcpuOp::VCPUOP_send_nmi:
            return send_nmi(vcpu);
        case abi::VcpuOp::VCPUOP_up:
            return up(vcpu);
        case abi::VcpuOp::VCPUOP_down:
            return down(vcpu);
        case abi::VcpuOp::VCPUOP_is_up:
            return uint64_t{vcpu.is_up};
        case abi::VcpuOp::VCPUOP_get_runstate_info:
            TRY(write(call, call.pointer(argument), runstate_of(vcpu, sched::now_ns())));
            return 0;
        case abi::VcpuOp::VCPUOP_register_runstate_memory_area:
            return register_runstate(call, vcpu);
        case abi::VcpuOp::VCPUOP_stop_periodic_timer:
            return 0;  // There is none to stop.
        case abi::VcpuOp::VCPUOP_set_singleshot_timer:
            return set_singleshot(call, vcpu);
        case abi::VcpuOp::VCPUOP_stop_singleshot_timer:
            return stop_singleshot(call, vcpu);
        case abi::VcpuOp::VCPUOP_register_vcpu_info:
            return register_vcpu_info(call, vcpu);
        case abi::VcpuOp::VCPUOP_register_vcpu_time_memory_area:
            return register_time(call, vcpu);
        case abi::VcpuOp::VCPUOP_set_periodic_timer:
        case abi::VcpuOp::VCPUOP_get_physid:
            break;
    }
    return fail(Errno::XEN_ENOSYS);
}

}  // namespace hv::hypercall
