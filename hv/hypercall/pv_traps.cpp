// SPDX-License-Identifier: Apache-2.0
// Where a PV kernel is entered: set_trap_table, callback_op, set_callbacks, nmi_op, stack_switch.
// [xen-pub] xen.h, callback.h, nmi.h.
#include "hv/abi/xen_pv.hpp"
#include "hv/hypercall/handlers.hpp"
#include "hv/pv/roots.hpp"
#include "hv/pv/traps.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace hv::hypercall {

namespace {

// A list ends where its guest says, so it is read in parts; where one ends nobody knows before, so
// that a part is within one page: what is behind need not be there.
constexpr uint64_t traps_at_a_time = 32;
uint64_t traps_in_page(uint64_t list) {
    const uint64_t left = (page_size - page_offset(list)) / sizeof(abi::TrapInfo);
    return std::clamp<uint64_t>(left, 1, traps_at_a_time);  // one may lie across
}

Answer register_callback(const Call& call, abi::CallbackType type, uint64_t address, bool masks) {
    if (!is_canonical(address)) {
        return fail(Errno::XEN_EINVAL);
    }
    if (!pv::set_callback(call.vcpu, type, address, masks)) {
        return fail(Errno::XEN_ENOSYS);
    }
    return 0;
}

}  // namespace

Answer set_trap_table(Call& call) {
    if (call.args[0] == 0) {
        pv::reset_traps(call.vcpu);
        return 0;
    }
    std::array<abi::TrapInfo, traps_at_a_time> list{};
    const auto traps = std::span{list}.first(traps_in_page(call.args[0]));
    TRY(edge(domain::copy_from_guest(call.vcpu, std::as_writable_bytes(traps), call.pointer(0))));
    for (const abi::TrapInfo& trap : traps) {
        if (trap.address == 0) {
            return 0;
        }
        if (!is_canonical(trap.address)) {
            return fail(Errno::XEN_EINVAL);
        }
        pv::set_trap(call.vcpu, trap);
    }
    call.args[0] += traps.size_bytes();
    // 0 is no list; nothing is behind the end of the address space.
    return call.args[0] == 0 ? fail(Errno::XEN_EFAULT) : again();
}

Answer callback_op(Call& call) {
    switch (static_cast<abi::CallbackOp>(call.args[0])) {
        case abi::CallbackOp::CALLBACKOP_register: {
            const auto args = TRY(read<abi::CallbackRegister>(call, call.pointer(1)));
            return register_callback(call, static_cast<abi::CallbackType>(args.type), args.address,
                                     (args.flags & abi::CALLBACKF_mask_events) != 0);
        }
        case abi::CallbackOp::CALLBACKOP_unregister: {
            const auto args = TRY(read<abi::CallbackUnregister>(call, call.pointer(1)));
            const auto type = static_cast<abi::CallbackType>(args.type);
            if (type != abi::CallbackType::CALLBACKTYPE_nmi) {
                // As Xen: without the others a kernel cannot go on.
                const bool exists = type <= abi::CallbackType::CALLBACKTYPE_sysenter;
                return fail(exists ? Errno::XEN_EINVAL : Errno::XEN_ENOSYS);
            }
            pv::set_callback(call.vcpu, type, 0, true);
            return 0;
        }
    }
    return fail(Errno::XEN_ENOSYS);
}

// The older form: event, failsafe, syscall.
Answer set_callbacks(Call& call) {
    using abi::CallbackType;
    TRY(register_callback(call, CallbackType::CALLBACKTYPE_event, call.args[0], true));
    TRY(register_callback(call, CallbackType::CALLBACKTYPE_failsafe, call.args[1], false));
    TRY(register_callback(call, CallbackType::CALLBACKTYPE_syscall, call.args[2], false));
    return 0;
}

Answer nmi_op(Call& call) {
    switch (static_cast<abi::NmiOp>(call.args[0])) {
        case abi::NmiOp::XENNMI_register_callback: {
            const auto args = TRY(read<abi::XennmiCallback>(call, call.pointer(1)));
            return register_callback(call, abi::CallbackType::CALLBACKTYPE_nmi,
                                     args.handler_address, true);
        }
        case abi::NmiOp::XENNMI_unregister_callback:
            pv::set_callback(call.vcpu, abi::CallbackType::CALLBACKTYPE_nmi, 0, true);
            return 0;
    }
    return fail(Errno::XEN_ENOSYS);
}

Answer stack_switch(Call& call) {
    pv::set_kernel_stack(call.vcpu, call.args[1]);  // SS is always the flat one
    return 0;
}

}  // namespace hv::hypercall
