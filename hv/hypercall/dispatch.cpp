// SPDX-License-Identifier: Apache-2.0
#include "hv/hypercall/dispatch.hpp"

#include "hv/abi/xen_hypercall.hpp"
#include "hv/hypercall/handlers.hpp"
#include "hv/launch/launch_op.hpp"
#include "hv/sched/sched.hpp"

namespace hv::hypercall {

namespace {

// A part of a slice, and many times what ordinary calls take.
constexpr uint64_t turn_ns = sched::slice_ns / 20;

Answer of_pv_only(Call& call, Answer (*handler)(Call&)) {
    return call.domain().pv != nullptr ? handler(call) : fail(Errno::XEN_ENOSYS);
}

}  // namespace

Answer handle(Call& call) {
    switch (static_cast<abi::Hypercall>(call.number)) {
        case abi::Hypercall::memory_op:
            return memory_op(call);
        case abi::Hypercall::multicall:
            return multicall(call);
        case abi::Hypercall::set_timer_op:
            return set_timer_op(call);
        case abi::Hypercall::xen_version:
            return xen_version(call);
        case abi::Hypercall::console_io:
            return console_io(call);
        case abi::Hypercall::domctl:
            return domctl(call);
        case abi::Hypercall::grant_table_op:
            return grant_table_op(call);
        case abi::Hypercall::vcpu_op:
            return vcpu_op(call);
        case abi::Hypercall::sched_op:
            return sched_op(call);
        case abi::Hypercall::event_channel_op:
            return event_channel_op(call);
        case abi::Hypercall::hvm_op:
            return hvm_op(call);
        case abi::Hypercall::arch_7:
            return hyperlaunch::handle_launch_op(call.vcpu, call.args[0], call.pointer(1));

        // What Xen has for control domains, and no domain here is one.
        case abi::Hypercall::platform_op:
        case abi::Hypercall::sysctl:
        case abi::Hypercall::hypfs_op:
            return fail(Errno::XEN_EPERM);

        // What only PV kernels have.
        case abi::Hypercall::set_trap_table:
            return of_pv_only(call, set_trap_table);
        case abi::Hypercall::mmu_update:
            return of_pv_only(call, mmu_update);
        case abi::Hypercall::set_gdt:
            return of_pv_only(call, set_gdt);
        case abi::Hypercall::stack_switch:
            return of_pv_only(call, stack_switch);
        case abi::Hypercall::set_callbacks:
            return of_pv_only(call, set_callbacks);
        case abi::Hypercall::fpu_taskswitch:
            return of_pv_only(call, fpu_taskswitch);
        case abi::Hypercall::set_debugreg:
            return of_pv_only(call, set_debugreg);
        case abi::Hypercall::get_debugreg:
            return of_pv_only(call, get_debugreg);
        case abi::Hypercall::update_descriptor:
            return of_pv_only(call, update_descriptor);
        case abi::Hypercall::update_va_mapping:
            return of_pv_only(call, update_va_mapping);
        case abi::Hypercall::vm_assist:
            return of_pv_only(call, vm_assist);
        case abi::Hypercall::update_va_mapping_otherdomain:
            return of_pv_only(call, update_va_mapping_otherdomain);
        case abi::Hypercall::set_segment_base:
            return of_pv_only(call, set_segment_base);
        case abi::Hypercall::mmuext_op:
            return of_pv_only(call, mmuext_op);
        case abi::Hypercall::nmi_op:
            return of_pv_only(call, nmi_op);
        case abi::Hypercall::callback_op:
            return of_pv_only(call, callback_op);
        case abi::Hypercall::physdev_op:
            return of_pv_only(call, physdev_op);

        // What this Xen was built without; iret is the stub's.
        case abi::Hypercall::sched_op_compat:
        case abi::Hypercall::event_channel_op_compat:
        case abi::Hypercall::physdev_op_compat:
        case abi::Hypercall::iret:
        case abi::Hypercall::xsm_op:
        case abi::Hypercall::xenoprof_op:
        case abi::Hypercall::kexec_op:
        case abi::Hypercall::tmem_op:
        case abi::Hypercall::argo_op:
        case abi::Hypercall::xenpmu_op:
        case abi::Hypercall::dm_op:
            break;
    }
    return fail(Errno::XEN_ENOSYS);
}

Completion dispatch(domain::Vcpu& vcpu) {
    // A vCPU that makes a call no longer sleeps in SCHEDOP_poll, however it was wakened.
    if (vcpu.polled_port.load(std::memory_order_relaxed) != 0) {
        event::stop_polling(vcpu);
        sched::set_poll_timer(vcpu, 0);
    }

    svm::GuestRegisters& r = vcpu.registers;
    Call call{.vcpu = vcpu,
              .number = r.rax,
              .args = {r.rdi, r.rsi, r.rdx, r.r10, r.r8},
              .turn_ends_ns = sched::now_ns() + turn_ns};
    Answer answer = handle(call);
    if (answer.ok()) {
        r.rax = answer.take();
        return Completion::Done;
    }
    if (answer.error() != Errno::XEN_ERESTART) {
        r.rax = static_cast<uint64_t>(-static_cast<int64_t>(answer.error()));
        return Completion::Done;
    }
    r.rdi = call.args[0];
    r.rsi = call.args[1];
    r.rdx = call.args[2];
    r.r10 = call.args[3];
    r.r8 = call.args[4];
    return Completion::Again;
}

}  // namespace hv::hypercall
