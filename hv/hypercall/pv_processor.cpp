// SPDX-License-Identifier: Apache-2.0
// State of the processor that a PV kernel changes through hypercalls: fpu_taskswitch, debug
// registers, segment bases, vm_assist, and the I/O privilege of user space.
#include "hv/abi/pv_layout.hpp"
#include "hv/abi/xen_hypercall.hpp"
#include "hv/abi/xen_pv.hpp"
#include "hv/hypercall/handlers.hpp"
#include "hv/pv/descriptors.hpp"
#include "hv/pv/pv.hpp"
#include "hv/svm/debug_registers.hpp"
#include "hv/svm/processor_state.hpp"
#include "hv/svm/vmcb.hpp"
#include "hv/x86/registers.hpp"

namespace hv::hypercall {

namespace {

constexpr unsigned first_status_register = 4;  // names of DR6 and DR7

bool is_hypervisors(uint64_t address) {
    return address >= abi::pv_hypervisor_virt_start && address < abi::pv_hypervisor_virt_end;
}

}  // namespace

Answer fpu_taskswitch(Call& call) {
    svm::VmcbSave& save = call.vcpu.vmcb->save();
    const Register<x86::Cr0> cr0{save.cr0};
    save.cr0 = cr0.with(x86::Cr0::TS, call.args[0] != 0).raw();
    call.vcpu.vmcb->changed(svm::Clean::ControlRegisters);
    return 0;
}

Answer set_debugreg(Call& call) {
    const uint64_t value = call.args[1];
    svm::Vmcb& vmcb = *call.vcpu.vmcb;
    switch (call.args[0]) {
        case 0:
        case 1:
        case 2:
        case 3:
            if (!is_canonical(value) || is_hypervisors(value)) {
                return fail(Errno::XEN_EPERM);
            }
            svm::set_debug_address(call.args[0], value);
            return 0;
        case first_status_register:
        case 6:
            if (value >> 32 != 0) {
                return fail(Errno::XEN_EPERM);
            }
            svm::set_debug_status(vmcb, value);
            return 0;
        case first_status_register + 1:
        case 7:
            if (value >> 32 != 0 || (value & svm::dr7_general_detect) != 0) {
                return fail(Errno::XEN_EPERM);
            }
            svm::set_debug_control(vmcb, value);
            return 0;
        default:
            return fail(Errno::XEN_ENODEV);
    }
}

Answer get_debugreg(Call& call) {
    switch (call.args[0]) {
        case 0:
        case 1:
        case 2:
        case 3:
            return svm::debug_address(call.args[0]);
        case first_status_register:
        case 6:
            return call.vcpu.vmcb->save().dr6;
        case first_status_register + 1:
        case 7:
            return call.vcpu.vmcb->save().dr7;
        default:
            return fail(Errno::XEN_EINVAL);
    }
}

Answer set_segment_base(Call& call) {
    svm::VmcbSave& save = call.vcpu.vmcb->save();
    const uint64_t base = call.args[1];
    const auto which = static_cast<abi::SegmentBase>(call.args[0]);
    if (which != abi::SegmentBase::SEGBASE_GS_USER_SEL && !is_canonical(base)) {
        return fail(Errno::XEN_EINVAL);
    }
    switch (which) {
        case abi::SegmentBase::SEGBASE_FS:
            save.fs.base = base;
            return 0;
        case abi::SegmentBase::SEGBASE_GS_USER:
            save.kernel_gs_base = base;  // the inactive one
            return 0;
        case abi::SegmentBase::SEGBASE_GS_KERNEL:
            save.gs.base = base;
            return 0;
        case abi::SegmentBase::SEGBASE_GS_USER_SEL:
            pv::load_user_gs(call.vcpu, static_cast<uint16_t>(base));
            return 0;
    }
    return fail(Errno::XEN_EINVAL);
}

// Page tables can be written and frames are checked whatever the guest asks for.
Answer vm_assist(Call& call) {
    constexpr uint64_t types =
        1ULL << abi::VMASST_TYPE_writable_pagetables | 1ULL << abi::VMASST_TYPE_pae_extended_cr3 |
        1ULL << abi::VMASST_TYPE_architectural_iopl |
        1ULL << abi::VMASST_TYPE_runstate_update_flag | 1ULL << abi::VMASST_TYPE_m2p_strict;
    const uint64_t type = call.args[1];
    if (type > 63 || (types >> type & 1) == 0) {
        return fail(Errno::XEN_EINVAL);
    }
    auto& assists = call.domain().pv->vm_assist;
    switch (static_cast<abi::VmassistCmd>(call.args[0])) {
        case abi::VmassistCmd::VMASST_CMD_enable:
            assists.fetch_or(1ULL << type);
            return 0;
        case abi::VmassistCmd::VMASST_CMD_disable:
            assists.fetch_and(~(1ULL << type));
            return 0;
    }
    return fail(Errno::XEN_ENOSYS);
}

// No domain here has ports, so a privilege to use them changes nothing.
Answer physdev_op(Call& call) {
    constexpr uint32_t highest_iopl = 3;
    switch (static_cast<abi::PhysdevOp>(call.args[0])) {
        case abi::PhysdevOp::PHYSDEVOP_set_iopl: {
            const auto args = TRY(read<abi::PhysdevSetIopl>(call, call.pointer(1)));
            if (args.iopl > highest_iopl) {
                return fail(Errno::XEN_EINVAL);
            }
            return 0;
        }
        case abi::PhysdevOp::PHYSDEVOP_set_iobitmap: {
            constexpr uint32_t most_ports = 65536;
            const auto args = TRY(read<abi::PhysdevSetIobitmap>(call, call.pointer(1)));
            if (args.nr_ports > most_ports) {
                return fail(Errno::XEN_EINVAL);
            }
            return 0;
        }
    }
    return fail(Errno::XEN_ENOSYS);
}

}  // namespace hv::hypercall
