// SPDX-License-Identifier: Apache-2.0
// hvm_op(cmd, arg): HVM parameters and a few calls of PV drivers. [xen-pub] hvm/hvm_op.h.
#include "hv/abi/xen_hvm.hpp"
#include "hv/event/pending.hpp"
#include "hv/hypercall/handlers.hpp"
#include "hv/sched/sched.hpp"

#include <atomic>

namespace hv::hypercall {

namespace {

using abi::HvmParam;

// What a guest may know of its own parameters, as on Xen.
bool guest_may_read(HvmParam param) {
    return param == HvmParam::HVM_PARAM_CALLBACK_IRQ || param == HvmParam::HVM_PARAM_STORE_PFN ||
           param == HvmParam::HVM_PARAM_STORE_EVTCHN || param == HvmParam::HVM_PARAM_CONSOLE_PFN ||
           param == HvmParam::HVM_PARAM_CONSOLE_EVTCHN ||
           param == HvmParam::HVM_PARAM_ACPI_IOPORTS_LOCATION ||
           param == HvmParam::HVM_PARAM_VM86_TSS || param == HvmParam::HVM_PARAM_VM86_TSS_SIZED ||
           param == HvmParam::HVM_PARAM_ALTP2M;
}

// The builder sets what Xen's toolstack sets for a PVH domain.
bool builder_may_write(HvmParam param) {
    return param == HvmParam::HVM_PARAM_STORE_PFN || param == HvmParam::HVM_PARAM_STORE_EVTCHN ||
           param == HvmParam::HVM_PARAM_CONSOLE_PFN ||
           param == HvmParam::HVM_PARAM_CONSOLE_EVTCHN ||
           param == HvmParam::HVM_PARAM_PAE_ENABLED || param == HvmParam::HVM_PARAM_TIMER_MODE ||
           param == HvmParam::HVM_PARAM_IDENT_PT || param == HvmParam::HVM_PARAM_VM86_TSS_SIZED;
}

void store(domain::Domain& domain, uint32_t index, uint64_t value) {
    const LockGuard guard{domain.lock};
    // Read without the lock where the upcall is injected.
    std::atomic_ref{domain.hvm_params[index]}.store(value, std::memory_order_seq_cst);
}

// 0: no upcalls. Otherwise a vector that is not an exception's; GSI and INTx need a legacy
// platform that PVH does not have.
Result<void, Errno> set_callback(domain::Domain& domain, uint64_t via) {
    constexpr uint64_t first_vector = 0x10;
    const bool is_vector =
        via >> 56 == abi::HVM_PARAM_CALLBACK_TYPE_VECTOR && (via & 0xff) >= first_vector;
    if (via != 0 && !is_vector) {
        return fail(Errno::XEN_EINVAL);
    }
    store(domain, static_cast<uint32_t>(HvmParam::HVM_PARAM_CALLBACK_IRQ), via);
    for (domain::Vcpu* vcpu : domain.vcpus) {
        if (event::upcall_wanted(*vcpu)) {
            sched::wake(*vcpu);
        }
    }
    return Ok{};
}

Answer set_param(const Call& call) {
    const auto args = TRY(read<abi::HvmParamArgs>(call, call.pointer(1)));
    domain::Domain* target = TRY(self_or_under_construction(call, args.domid));
    if (args.index >= abi::HVM_NR_PARAMS) {
        return fail(Errno::XEN_EINVAL);
    }
    const auto param = static_cast<HvmParam>(args.index);
    if (param == HvmParam::HVM_PARAM_CALLBACK_IRQ) {
        TRY(set_callback(*target, args.value));
        return 0;
    }
    if (target == &call.domain() || !builder_may_write(param)) {
        return fail(Errno::XEN_EPERM);
    }
    store(*target, args.index, args.value);
    return 0;
}

Answer get_param(const Call& call) {
    auto args = TRY(read<abi::HvmParamArgs>(call, call.pointer(1)));
    const domain::Domain* target = TRY(self_or_under_construction(call, args.domid));
    if (args.index >= abi::HVM_NR_PARAMS) {
        return fail(Errno::XEN_EINVAL);
    }
    if (target == &call.domain() && !guest_may_read(static_cast<HvmParam>(args.index))) {
        return fail(Errno::XEN_EPERM);
    }
    args.value = target->hvm_params[args.index];
    TRY(write(call, call.pointer(1), args));
    return 0;
}

}  // namespace

Answer hvm_op(Call& call) {
    switch (static_cast<abi::HvmOp>(call.args[0])) {
        case abi::HvmOp::HVMOP_set_param:
            return set_param(call);
        case abi::HvmOp::HVMOP_get_param:
            return get_param(call);
        case abi::HvmOp::HVMOP_get_time:
            TRY(write(call, call.pointer(1), abi::HvmGetTime{sched::now_ns()}));
            return 0;
        // Kernels ask whether shadow page tables want the hint; there are none.
        case abi::HvmOp::HVMOP_pagetable_dying:
        // One vector for all vCPUs is enough; kernels then use HVM_PARAM_CALLBACK_IRQ.
        case abi::HvmOp::HVMOP_set_evtchn_upcall_vector:
        case abi::HvmOp::HVMOP_flush_tlbs:
        case abi::HvmOp::HVMOP_get_mem_type:
            break;
    }
    return fail(Errno::XEN_ENOSYS);
}

}  // namespace hv::hypercall
