// SPDX-License-Identifier: Apache-2.0
// event_channel_op(cmd, arg). [xen-pub] event_channel.h.
#include "hv/abi/xen_event_channel.hpp"
#include "hv/abi/xen_hypercall.hpp"
#include "hv/event/fifo_control.hpp"
#include "hv/hypercall/handlers.hpp"

namespace hv::hypercall {

namespace {

// Reads the arguments, calls `work` on the copy, writes the copy back.
template <class Args, class Work>
Answer in_and_out(const Call& call, Work&& work) {
    auto args = TRY(read<Args>(call, call.pointer(1)));
    TRY(work(args));
    TRY(write(call, call.pointer(1), args));
    return 0;
}
template <class Args, class Work>
Answer in_only(const Call& call, Work&& work) {
    auto args = TRY(read<Args>(call, call.pointer(1)));
    TRY(edge(work(args)));
    return 0;
}

Answer alloc_unbound(const Call& call) {
    return in_and_out<abi::EvtchnAllocUnbound>(call, [&](auto& args) -> Result<void, Errno> {
        TRY(require_self(call, args.dom));
        const DomainId remote =
            args.remote_dom == abi::DOMID_SELF ? call.domain().id : DomainId{args.remote_dom};
        args.port = TRY(edge(event::alloc_unbound(call.domain(), remote))).value();
        return Ok{};
    });
}

Answer bind_interdomain(const Call& call) {
    return in_and_out<abi::EvtchnBindInterdomain>(call, [&](auto& args) -> Result<void, Errno> {
        domain::Domain* remote = TRY(find_other(call, args.remote_dom));
        args.local_port =
            TRY(edge(event::bind_interdomain(call.domain(), *remote, EvtchnPort{args.remote_port})))
                .value();
        return Ok{};
    });
}

Answer bind_virq(const Call& call) {
    return in_and_out<abi::EvtchnBindVirq>(call, [&](auto& args) -> Result<void, Errno> {
        args.port =
            TRY(edge(event::bind_virq(call.domain(), args.virq, VcpuId{args.vcpu}))).value();
        return Ok{};
    });
}

Answer bind_ipi(const Call& call) {
    return in_and_out<abi::EvtchnBindIpi>(call, [&](auto& args) -> Result<void, Errno> {
        args.port = TRY(edge(event::bind_ipi(call.domain(), VcpuId{args.vcpu}))).value();
        return Ok{};
    });
}

Answer status(const Call& call) {
    return in_and_out<abi::EvtchnStatus>(call, [&](auto& args) -> Result<void, Errno> {
        TRY(require_self(call, args.dom));
        const event::Status found = TRY(edge(event::status(call.domain(), EvtchnPort{args.port})));
        args.status = static_cast<uint32_t>(found.state);
        args.vcpu = found.vcpu.value();
        args.u = {};
        if (found.state == abi::EvtchnStat::EVTCHNSTAT_unbound) {
            args.u.unbound.dom = found.remote.value();
        } else if (found.state == abi::EvtchnStat::EVTCHNSTAT_interdomain) {
            args.u.interdomain.dom = found.remote.value();
            args.u.interdomain.port = found.remote_port.value();
        } else if (found.state == abi::EvtchnStat::EVTCHNSTAT_virq) {
            args.u.virq = found.virq;
        }
        return Ok{};
    });
}

Answer reset(const Call& call) {
    const auto args = TRY(read<abi::EvtchnReset>(call, call.pointer(1)));
    TRY(require_self(call, args.dom));
    event::close_all(call.domain());
    event::leave_fifo(call.domain());
    return 0;
}

// A frame that the guest may give to the FIFO ABI; whether there is one, fifo_control.cpp checks.
Result<Gfn, Errno> own_frame(const Call& call, uint64_t name) {
    const Gfn gfn{name};
    if (call.vcpu.pv != nullptr && !pv::own_frame(call.domain(), gfn)) {
        return fail(Errno::XEN_EINVAL);
    }
    return gfn;
}

Answer init_control(const Call& call) {
    return in_and_out<abi::EvtchnInitControl>(call, [&](auto& args) -> Result<void, Errno> {
        domain::Domain& d = call.domain();
        if (args.vcpu >= d.vcpus.size()) {
            return fail(Errno::XEN_ENOENT);
        }
        const Gfn gfn = TRY(own_frame(call, args.control_gfn));
        TRY(edge(event::init_control(*d.vcpus[args.vcpu], gfn, args.offset)));
        args.link_bits = abi::EVTCHN_FIFO_LINK_BITS;
        return Ok{};
    });
}

Answer expand_array(const Call& call) {
    const auto args = TRY(read<abi::EvtchnExpandArray>(call, call.pointer(1)));
    const Gfn gfn = TRY(own_frame(call, args.array_gfn));
    TRY(edge(event::expand_array(call.domain(), gfn)));
    return 0;
}

}  // namespace

Answer event_channel_op(Call& call) {
    domain::Domain& d = call.domain();
    switch (static_cast<abi::EventChannelOp>(call.args[0])) {
        case abi::EventChannelOp::EVTCHNOP_alloc_unbound:
            return alloc_unbound(call);
        case abi::EventChannelOp::EVTCHNOP_bind_interdomain:
            return bind_interdomain(call);
        case abi::EventChannelOp::EVTCHNOP_bind_virq:
            return bind_virq(call);
        case abi::EventChannelOp::EVTCHNOP_bind_ipi:
            return bind_ipi(call);
        case abi::EventChannelOp::EVTCHNOP_status:
            return status(call);
        case abi::EventChannelOp::EVTCHNOP_close:
            return in_only<abi::EvtchnClose>(
                call, [&](auto& args) { return event::close(d, EvtchnPort{args.port}); });
        case abi::EventChannelOp::EVTCHNOP_send:
            return in_only<abi::EvtchnSend>(
                call, [&](auto& args) { return event::send(d, EvtchnPort{args.port}); });
        case abi::EventChannelOp::EVTCHNOP_unmask:
            return in_only<abi::EvtchnUnmask>(
                call, [&](auto& args) { return event::unmask(d, EvtchnPort{args.port}); });
        case abi::EventChannelOp::EVTCHNOP_bind_vcpu:
            return in_only<abi::EvtchnBindVcpu>(call, [&](auto& args) {
                return event::bind_vcpu(d, EvtchnPort{args.port}, VcpuId{args.vcpu});
            });
        case abi::EventChannelOp::EVTCHNOP_reset:
            return reset(call);
        case abi::EventChannelOp::EVTCHNOP_init_control:
            return init_control(call);
        case abi::EventChannelOp::EVTCHNOP_expand_array:
            return expand_array(call);
        case abi::EventChannelOp::EVTCHNOP_set_priority:
            return in_only<abi::EvtchnSetPriority>(call, [&](auto& args) {
                return event::set_priority(d, EvtchnPort{args.port}, args.priority);
            });
        case abi::EventChannelOp::EVTCHNOP_bind_pirq:
            break;
    }
    return fail(Errno::XEN_ENOSYS);
}

}  // namespace hv::hypercall
