// SPDX-License-Identifier: Apache-2.0
#include "hv/event/event_channels.hpp"

#include "hv/abi/xen_shared_info.hpp"
#include "hv/base/assert.hpp"
#include "hv/event/pending.hpp"

namespace hv::event {

constinit Spinlock lock;

namespace {

bool is_global(uint32_t virq) {
    switch (static_cast<abi::Virq>(virq)) {
        case abi::Virq::VIRQ_TIMER:
        case abi::Virq::VIRQ_DEBUG:
        case abi::Virq::VIRQ_XENOPROF:
        case abi::Virq::VIRQ_XENPMU:
            return false;
        case abi::Virq::VIRQ_CONSOLE:
        case abi::Virq::VIRQ_DOM_EXC:
        case abi::Virq::VIRQ_TBUF:
        case abi::Virq::VIRQ_DEBUGGER:
        case abi::Virq::VIRQ_CON_RING:
        case abi::Virq::VIRQ_PCPU_STATE:
        case abi::Virq::VIRQ_MEM_EVENT:
        case abi::Virq::VIRQ_ARGO:
        case abi::Virq::VIRQ_ENOMEM:
            break;
    }
    return true;
}

// The channel of a port that is in use.
Result<Channel*, Error> used(domain::Domain& domain, EvtchnPort port) {
    if (!domain.events->is_bound(port)) {
        return Err{Error::BadPort};
    }
    return &domain.events->at(port);
}

Result<EvtchnPort, Error> take_port(domain::Domain& domain, const Channel& channel) {
    if (domain.is_dying.load()) {
        return Err{Error::DomainGone};
    }
    const EvtchnPort port = TRY(domain.events->find_free());
    domain.events->at(port) = channel;
    return port;
}

void close_locked(domain::Domain& domain, EvtchnPort port) {
    Channel& channel = domain.events->at(port);
    if (channel.state == ChannelState::Virq) {
        for (uint32_t v = 0; v < domain.vcpus.size(); ++v) {
            uint16_t& bound = domain.events->virq_port(VcpuId{v}, channel.virq);
            if (bound == port.value()) {
                bound = 0;
            }
        }
    }
    if (channel.state == ChannelState::Interdomain) {
        // The far end stays, and only this domain may bind to it again.
        Channel& far = channel.remote->events->at(channel.remote_port);
        far = {.state = ChannelState::Unbound, .remote_id = domain.id, .notify = far.notify};
    }
    channel = {};
    // An event left behind would surprise the next user of the port.
    clear_pending(domain, port);
    domain.events->fifo().set_priority(port, abi::EVTCHN_FIFO_PRIORITY_DEFAULT);
}

}  // namespace

void EventChannels::init(std::span<Channel> table, std::span<FifoPort> fifo_ports) {
    ASSERT(table.size() <= abi::EVTCHN_2L_NR_CHANNELS && fifo_ports.size() == table.size());
    table_ = table;
    fifo_.init(fifo_ports);
    for (Channel& channel : table_) {
        channel = {};
    }
}

Result<EvtchnPort, Error> EventChannels::find_free() const {
    for (uint32_t port = 1; port < table_.size(); ++port) {
        // As on Xen: one that the guest has not taken off its queue is not free yet.
        if (table_[port].state == ChannelState::Free && !fifo_.is_linked(EvtchnPort{port})) {
            return EvtchnPort{port};
        }
    }
    return Err{Error::NoPort};
}

Result<EvtchnPort, Error> alloc_unbound(domain::Domain& domain, DomainId remote) {
    const LockGuard guard{lock};
    return take_port(domain, {.state = ChannelState::Unbound, .remote_id = remote});
}

Result<EvtchnPort, Error> bind_interdomain(domain::Domain& domain, domain::Domain& remote,
                                           EvtchnPort remote_port) {
    const LockGuard guard{lock};
    if (remote.is_dying.load()) {
        return Err{Error::DomainGone};
    }
    Channel* far = TRY(used(remote, remote_port));
    if (far->state != ChannelState::Unbound || far->remote_id != domain.id) {
        return Err{Error::BadPort};
    }
    const EvtchnPort port = TRY(take_port(
        domain,
        {.state = ChannelState::Interdomain, .remote_port = remote_port, .remote = &remote}));
    *far = {.state = ChannelState::Interdomain,
            .notify = far->notify,
            .remote_port = port,
            .remote = &domain};
    // What was sent while the far port was unbound is lost, so the guest is made to look.
    set_pending(domain, port, VcpuId{0});
    return port;
}

Result<EvtchnPort, Error> bind_virq(domain::Domain& domain, uint32_t virq, VcpuId vcpu) {
    if (virq >= abi::NR_VIRQS || (is_global(virq) && vcpu != VcpuId{0})) {
        return Err{Error::BadVirq};
    }
    if (vcpu.value() >= domain.vcpus.size()) {
        return Err{Error::BadVcpu};
    }
    const LockGuard guard{lock};
    uint16_t& bound = domain.events->virq_port(vcpu, virq);
    if (bound != 0) {
        return Err{Error::AlreadyUsed};
    }
    const EvtchnPort port =
        TRY(take_port(domain, {.state = ChannelState::Virq, .notify = vcpu, .virq = virq}));
    bound = static_cast<uint16_t>(port.value());
    return port;
}

Result<EvtchnPort, Error> bind_ipi(domain::Domain& domain, VcpuId vcpu) {
    if (vcpu.value() >= domain.vcpus.size()) {
        return Err{Error::BadVcpu};
    }
    const LockGuard guard{lock};
    return take_port(domain, {.state = ChannelState::Ipi, .notify = vcpu});
}

Result<void, Error> bind_vcpu(domain::Domain& domain, EvtchnPort port, VcpuId vcpu) {
    if (vcpu.value() >= domain.vcpus.size()) {
        return Err{Error::BadVcpu};
    }
    const LockGuard guard{lock};
    Channel* channel = TRY(used(domain, port));
    const bool is_fixed = channel->state == ChannelState::Ipi ||
                          (channel->state == ChannelState::Virq && !is_global(channel->virq));
    if (is_fixed) {
        return Err{Error::BadPort};
    }
    channel->notify = vcpu;
    return Ok{};
}

Result<void, Error> close(domain::Domain& domain, EvtchnPort port) {
    const LockGuard guard{lock};
    TRY(used(domain, port));
    close_locked(domain, port);
    return Ok{};
}

Result<void, Error> send(domain::Domain& domain, EvtchnPort port) {
    const LockGuard guard{lock};
    const Channel* channel = TRY(used(domain, port));
    switch (channel->state) {
        case ChannelState::Interdomain: {
            const Channel& far = channel->remote->events->at(channel->remote_port);
            set_pending(*channel->remote, channel->remote_port, far.notify);
            return Ok{};
        }
        case ChannelState::Ipi:
            set_pending(domain, port, channel->notify);
            return Ok{};
        case ChannelState::Unbound:
            return Ok{};  // Nobody is there yet, or any more: dropped, as on Xen.
        case ChannelState::Virq:
        case ChannelState::Free:
            break;
    }
    return Err{Error::BadPort};
}

Result<void, Error> unmask(domain::Domain& domain, EvtchnPort port) {
    const LockGuard guard{lock};
    const Channel* channel = TRY(used(domain, port));
    unmask_pending(domain, port, channel->notify);
    return Ok{};
}

Result<Status, Error> status(domain::Domain& domain, EvtchnPort port) {
    const LockGuard guard{lock};
    if (!domain.events->is_valid(port)) {
        return Err{Error::BadPort};
    }
    const Channel& channel = domain.events->at(port);
    Status answer{.vcpu = channel.notify};
    switch (channel.state) {
        case ChannelState::Free:
            break;
        case ChannelState::Unbound:
            answer.state = abi::EvtchnStat::EVTCHNSTAT_unbound;
            answer.remote = channel.remote_id;
            break;
        case ChannelState::Interdomain:
            answer.state = abi::EvtchnStat::EVTCHNSTAT_interdomain;
            answer.remote = channel.remote->id;
            answer.remote_port = channel.remote_port;
            break;
        case ChannelState::Virq:
            answer.state = abi::EvtchnStat::EVTCHNSTAT_virq;
            answer.virq = channel.virq;
            break;
        case ChannelState::Ipi:
            answer.state = abi::EvtchnStat::EVTCHNSTAT_ipi;
            break;
    }
    return answer;
}

void close_all(domain::Domain& domain) {
    for (uint32_t n = 1; n < domain.events->port_count(); ++n) {
        const LockGuard guard{lock};  // Per port: others may send in between.
        if (domain.events->at(EvtchnPort{n}).state != ChannelState::Free) {
            close_locked(domain, EvtchnPort{n});
        }
    }
}

Result<void, Error> connect(domain::Domain& a, EvtchnPort port_a, domain::Domain& b,
                            EvtchnPort port_b) {
    const LockGuard guard{lock};
    if (!a.events->is_valid(port_a) || !b.events->is_valid(port_b)) {
        return Err{Error::BadPort};
    }
    Channel& near = a.events->at(port_a);
    Channel& far = b.events->at(port_b);
    if (&near == &far || near.state != ChannelState::Free || far.state != ChannelState::Free) {
        return Err{Error::AlreadyUsed};
    }
    near = {.state = ChannelState::Interdomain, .remote_port = port_b, .remote = &b};
    far = {.state = ChannelState::Interdomain, .remote_port = port_a, .remote = &a};
    return Ok{};
}

void send_virq(domain::Vcpu& vcpu, abi::Virq virq) {
    const LockGuard guard{lock};
    domain::Domain& domain = *vcpu.domain;
    const EvtchnPort port{domain.events->virq_port(vcpu.id, static_cast<uint32_t>(virq))};
    if (port != EvtchnPort{0}) {
        set_pending(domain, port, domain.events->at(port).notify);
    }
}

void send_global_virq(domain::Domain& domain, abi::Virq virq) {
    ASSERT(is_global(static_cast<uint32_t>(virq)));
    send_virq(*domain.vcpus[0], virq);
}

Result<bool, Error> start_polling(domain::Vcpu& vcpu, std::span<const EvtchnPort> ports) {
    const LockGuard guard{lock};
    for (const EvtchnPort port : ports) {
        if (!vcpu.domain->events->is_valid(port)) {
            return Err{Error::BadPort};
        }
    }
    for (const EvtchnPort port : ports) {
        if (is_pending(*vcpu.domain, port)) {
            return true;
        }
    }
    vcpu.polled_port.store(ports.size() == 1 ? ports[0].value() : polls_several,
                           std::memory_order_relaxed);
    return false;
}

void stop_polling(domain::Vcpu& vcpu) {
    const LockGuard guard{lock};
    vcpu.polled_port.store(0, std::memory_order_relaxed);
}

}  // namespace hv::event
