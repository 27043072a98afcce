// SPDX-License-Identifier: Apache-2.0
// event_channel_op (2-level; FIFO: pv_fifo.cpp), sched_op, console_io and what else of xen_version
// a PV kernel asks for: every operation, its errors, and addresses that lead nowhere. What events
// do: pv_events.cpp.
#include "hv/abi/xen_console.hpp"
#include "hv/abi/xen_event_channel.hpp"
#include "hv/abi/xen_sched.hpp"
#include "hv/abi/xen_version.hpp"
#include "tests/guest/pv/rt/kernel.hpp"
#include "tests/guest/pv/rt/pages.hpp"
#include "tests/guest/pv/rt/pointers.hpp"

#include <iterator>

namespace {

using namespace pv;
using hv::abi::Errno;
using Port = hv::abi::EventChannelOp;

constexpr uint16_t self = hv::abi::DOMID_SELF;
constexpr uint16_t nobody = 99;
constexpr uint32_t bad_ports[] = {0, 100'000, ~0U};

template <class T>
int64_t port_op(Port op, T args) {
    return hypercall(Hypercall::event_channel_op, op, args);
}
void close(uint32_t port) {
    const hv::abi::EvtchnClose args{port};
    check_result(port_op(Port::EVTCHNOP_close, &args), 0, "close");
}
hv::abi::EvtchnStat status_of(uint32_t port) {
    hv::abi::EvtchnStatus args{};
    args.dom = self;
    args.port = port;
    check_result(port_op(Port::EVTCHNOP_status, &args), 0, "status");
    return static_cast<hv::abi::EvtchnStat>(args.status);
}

void pairs() {
    hv::abi::EvtchnAllocUnbound unbound{self, self, 0};
    check_result(port_op(Port::EVTCHNOP_alloc_unbound, &unbound), 0, "alloc_unbound");
    check(status_of(unbound.port) == hv::abi::EvtchnStat::EVTCHNSTAT_unbound, "unbound");
    hv::abi::EvtchnBindInterdomain pair{};
    pair.remote_dom = self;
    pair.remote_port = unbound.port;
    check_result(port_op(Port::EVTCHNOP_bind_interdomain, &pair), 0, "bind_interdomain");
    check(status_of(unbound.port) == hv::abi::EvtchnStat::EVTCHNSTAT_interdomain, "bound");
    check_error(port_op(Port::EVTCHNOP_bind_interdomain, &pair), Errno::XEN_EINVAL, "bound twice");
    const hv::abi::EvtchnSend send{pair.local_port};
    check_result(port_op(Port::EVTCHNOP_send, &send), 0, "send");
    const uint64_t bit = uint64_t{1} << unbound.port % 64;
    check((shared_info().evtchn_pending[unbound.port / 64] & bit) != 0, "pending at the other end");
    close(pair.local_port);
    close(unbound.port);
    check(status_of(unbound.port) == hv::abi::EvtchnStat::EVTCHNSTAT_closed, "closed");

    unbound.dom = nobody;
    check_error(port_op(Port::EVTCHNOP_alloc_unbound, &unbound), Errno::XEN_ESRCH, "for nobody");
    pair.remote_dom = nobody;
    check_error(port_op(Port::EVTCHNOP_bind_interdomain, &pair), Errno::XEN_ESRCH, "to nobody");
    pair.remote_dom = self;
    for (const uint32_t port : bad_ports) {
        pair.remote_port = port;
        check_error(port_op(Port::EVTCHNOP_bind_interdomain, &pair), Errno::XEN_EINVAL, "no port");
    }
}

void bindings() {
    hv::abi::EvtchnBindVirq virq{static_cast<uint32_t>(hv::abi::Virq::VIRQ_TIMER), 0, 0};
    check_result(port_op(Port::EVTCHNOP_bind_virq, &virq), 0, "bind_virq");
    hv::abi::EvtchnBindVirq again = virq;
    check_error(port_op(Port::EVTCHNOP_bind_virq, &again), Errno::XEN_EEXIST, "bound already");
    again.vcpu = 7;
    check_error(port_op(Port::EVTCHNOP_bind_virq, &again), Errno::XEN_ENOENT, "no such vCPU");
    again = {hv::abi::NR_VIRQS, 0, 0};
    check_error(port_op(Port::EVTCHNOP_bind_virq, &again), Errno::XEN_EINVAL, "no such VIRQ");
    again.virq = ~0U;
    check_error(port_op(Port::EVTCHNOP_bind_virq, &again), Errno::XEN_EINVAL, "no such VIRQ");
    hv::abi::EvtchnBindIpi ipi{0, 0};
    check_result(port_op(Port::EVTCHNOP_bind_ipi, &ipi), 0, "bind_ipi");
    check(status_of(ipi.port) == hv::abi::EvtchnStat::EVTCHNSTAT_ipi, "an IPI");
    hv::abi::EvtchnBindVcpu move{ipi.port, 0};
    check_error(port_op(Port::EVTCHNOP_bind_vcpu, &move), Errno::XEN_EINVAL, "an IPI stays");
    move = {virq.port, 7};
    check_error(port_op(Port::EVTCHNOP_bind_vcpu, &move), Errno::XEN_ENOENT, "no such vCPU");
    close(ipi.port);
    close(virq.port);
    hv::abi::EvtchnBindIpi bad{7, 0};
    check_error(port_op(Port::EVTCHNOP_bind_ipi, &bad), Errno::XEN_ENOENT, "no such vCPU");
}

void bad_ports_and_pointers() {
    for (const uint32_t port : bad_ports) {
        const hv::abi::EvtchnSend send{port};
        check_error(port_op(Port::EVTCHNOP_send, &send), Errno::XEN_EINVAL, "send");
        check_error(port_op(Port::EVTCHNOP_close, &send), Errno::XEN_EINVAL, "close");
        check_error(port_op(Port::EVTCHNOP_unmask, &send), Errno::XEN_EINVAL, "unmask");
        hv::abi::EvtchnStatus status{};
        status.dom = self;
        status.port = port;
        check_error(port_op(Port::EVTCHNOP_status, &status), Errno::XEN_EINVAL, "status");
        status.dom = nobody;
        check_error(port_op(Port::EVTCHNOP_status, &status), Errno::XEN_ESRCH, "status");
        const hv::abi::EvtchnBindVcpu move{port, 0};
        check_error(port_op(Port::EVTCHNOP_bind_vcpu, &move), Errno::XEN_EINVAL, "bind_vcpu");
    }
    for (const Port op :
         {Port::EVTCHNOP_alloc_unbound, Port::EVTCHNOP_bind_interdomain, Port::EVTCHNOP_bind_virq,
          Port::EVTCHNOP_bind_ipi, Port::EVTCHNOP_status, Port::EVTCHNOP_close, Port::EVTCHNOP_send,
          Port::EVTCHNOP_unmask, Port::EVTCHNOP_bind_vcpu, Port::EVTCHNOP_reset}) {
        for (const uint64_t bad : {not_mapped, not_canonical, ~uint64_t{0}}) {
            check_error(port_op(op, bad), Errno::XEN_EFAULT, "no argument");
        }
    }
    const hv::abi::EvtchnReset reset{nobody};
    check_error(port_op(Port::EVTCHNOP_reset, &reset), Errno::XEN_ESRCH, "reset of nobody");
    for (const Port op : {Port::EVTCHNOP_bind_pirq, static_cast<Port>(14), static_cast<Port>(99)}) {
        check_error(port_op(op, uint64_t{0}), Errno::XEN_ENOSYS, "not offered");
    }
}

void schedule() {
    using Op = hv::abi::SchedOp;
    const auto op = [](Op which, auto args) { return hypercall(Hypercall::sched_op, which, args); };
    check_result(op(Op::SCHEDOP_yield, uint64_t{not_mapped}), 0, "yield has no argument");
    for (const uint64_t bad : {not_mapped, not_canonical}) {
        check_error(op(Op::SCHEDOP_shutdown, bad), Errno::XEN_EFAULT, "shutdown");
        check_error(op(Op::SCHEDOP_poll, bad), Errno::XEN_EFAULT, "poll");
        check_error(op(Op::SCHEDOP_remote_shutdown, bad), Errno::XEN_EFAULT, "remote_shutdown");
    }
    hv::abi::SchedPoll poll{};
    poll.ports = not_mapped;
    poll.nr_ports = 1;
    check_error(op(Op::SCHEDOP_poll, &poll), Errno::XEN_EFAULT, "poll of no list");
    hv::abi::SchedRemoteShutdown remote{};
    remote.domain_id = self;
    check_error(op(Op::SCHEDOP_remote_shutdown, &remote), Errno::XEN_EPERM, "remote_shutdown");
    remote.domain_id = nobody;
    check_error(op(Op::SCHEDOP_remote_shutdown, &remote), Errno::XEN_ESRCH, "of nobody");
    check_error(op(Op::SCHEDOP_pin_override, uint64_t{0}), Errno::XEN_EPERM, "pin_override");
    for (const Op which : {Op::SCHEDOP_watchdog, Op::SCHEDOP_shutdown_code, static_cast<Op>(99)}) {
        check_error(op(which, uint64_t{0}), Errno::XEN_ENOSYS, "not offered");
    }
}

void console() {
    const auto io = [](uint64_t op, uint64_t count, uint64_t text) {
        return hypercall(Hypercall::console_io, op, count, text);
    };
    static constexpr char text[] = "console_io\n";
    check_result(io(0, sizeof(text) - 1, to_argument(+text)), 0, "write");
    check_result(io(0, 0, not_mapped), 0, "write of nothing");
    for (const uint64_t bad : unreadable) {
        check_error(io(0, 64, bad), Errno::XEN_EFAULT, "write of no text");
    }
    check_error(io(0, 0xffffffff, virt_base + (uint64_t{64} << 20)), Errno::XEN_EFAULT, "4 GiB");
    check_error(io(1, 1, not_mapped), Errno::XEN_EPERM, "read");
    check_error(io(7, 1, to_argument(+text)), Errno::XEN_ENOSYS, "no such operation");
}

void versions() {
    using Op = hv::abi::XenVersionOp;
    const auto ask = [](Op op, auto to) { return hypercall(Hypercall::xen_version, op, to); };
    alignas(8) static char answer[2048];
    for (const Op op : {Op::XENVER_extraversion, Op::XENVER_compile_info, Op::XENVER_capabilities,
                        Op::XENVER_changeset, Op::XENVER_platform_parameters,
                        Op::XENVER_guest_handle, Op::XENVER_commandline}) {
        check_result(ask(op, +answer), 0, "xen_version");
        for (const uint64_t bad : unwritable) {
            check_error(ask(op, bad), Errno::XEN_EFAULT, "nowhere to answer");
        }
    }
    check_equal(static_cast<uint64_t>(ask(Op::XENVER_pagesize, uint64_t{0})), page_bytes,
                "pagesize");
    check_error(ask(Op::XENVER_build_id, +answer), Errno::XEN_EPERM, "build_id");
    check_error(hypercall(Hypercall::multicall, hypervisors, 1), Errno::XEN_EFAULT,
                "a multicall whose results cannot be written");
    for (const uint64_t bad : unreadable) {
        check_error(hypercall(Hypercall::multicall, bad, 1), Errno::XEN_EFAULT, "multicall");
    }
}

void all() {
    pairs();
    bindings();
    bad_ports_and_pointers();
    schedule();
    console();
    versions();
}

}  // namespace

void pv::run() {
    vcpu_info().evtchn_upcall_mask = 1;
    run_both_ways(all);
}
