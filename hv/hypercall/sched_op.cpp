// SPDX-License-Identifier: Apache-2.0
// sched_op(cmd, arg): give way, sleep, end. [xen-pub] sched.h.
#include "hv/abi/xen_sched.hpp"
#include "hv/event/pending.hpp"
#include "hv/hypercall/handlers.hpp"
#include "hv/sched/sched.hpp"
#include "hv/svm/vmcb.hpp"

#include <array>
#include <string_view>

namespace hv::hypercall {

namespace {

constexpr uint32_t max_polled_ports = 128;  // as Xen

Answer shutdown(const Call& call) {
    const auto args = TRY(read<abi::SchedShutdown>(call, call.pointer(1)));
    // Xen keeps any number; a reason that we do not know is no orderly end.
    const bool is_known =
        args.reason <= static_cast<uint32_t>(abi::ShutdownReason::SHUTDOWN_soft_reset);
    const auto why = is_known ? static_cast<domain::End>(args.reason) : domain::End::Crash;
    constexpr std::string_view complaint = "shutdown with an unknown reason";
    domain::end(call.domain(), why, is_known ? std::string_view{} : complaint);
    return 0;
}

Answer poll(const Call& call) {
    const auto args = TRY(read<abi::SchedPoll>(call, call.pointer(1)));
    if (args.nr_ports > max_polled_ports) {
        return fail(Errno::XEN_EINVAL);
    }
    std::array<EvtchnPort, max_polled_ports> ports;
    static_assert(sizeof(EvtchnPort) == sizeof(uint32_t));
    const std::span used = std::span{ports}.first(args.nr_ports);
    TRY(edge(
        domain::copy_from_guest(call.vcpu, std::as_writable_bytes(used), GuestVaddr{args.ports})));
    sched::forget_wakes();
    if (TRY(edge(event::start_polling(call.vcpu, used)))) {
        return 0;
    }
    if (args.timeout != 0) {
        sched::set_poll_timer(call.vcpu, args.timeout);
    }
    // As on Xen: an interrupt that the guest could take ends the poll, one it has turned off does
    // not. Spinlocks poll with interrupts off, and would spin after all. A PV kernel's RFLAGS.IF
    // says nothing; its mask counts wherever upcalls do.
    constexpr uint64_t rflags_if = 1 << 9;
    if (call.vcpu.masks_upcalls || (call.vcpu.vmcb->save().rflags & rflags_if) != 0) {
        sched::block_current();
    } else {
        sched::halt_current();
    }
    return 0;
}

Answer remote_shutdown(const Call& call) {
    const auto args = TRY(read<abi::SchedRemoteShutdown>(call, call.pointer(1)));
    TRY(find_other(call, args.domain_id));
    return fail(Errno::XEN_EPERM);
}

}  // namespace

Answer sched_op(Call& call) {
    switch (static_cast<abi::SchedOp>(call.args[0])) {
        case abi::SchedOp::SCHEDOP_yield:
            sched::yield_current();
            return 0;
        case abi::SchedOp::SCHEDOP_block:
            event::set_upcall_mask(call.vcpu, false);
            sched::block_current();
            return 0;
        case abi::SchedOp::SCHEDOP_shutdown:
            return shutdown(call);
        case abi::SchedOp::SCHEDOP_poll:
            return poll(call);
        case abi::SchedOp::SCHEDOP_remote_shutdown:
            return remote_shutdown(call);
        case abi::SchedOp::SCHEDOP_pin_override:
            return fail(Errno::XEN_EPERM);
        case abi::SchedOp::SCHEDOP_shutdown_code:
        case abi::SchedOp::SCHEDOP_watchdog:
            break;
    }
    return fail(Errno::XEN_ENOSYS);
}

}  // namespace hv::hypercall
