// SPDX-License-Identifier: Apache-2.0
// Event channels: the ports of a domain and what each is bound to. A port can be sent, which sets
// a bit at the other end; nothing else travels. Used by event_channel_op, by the launch (channels
// of the plan) and by every timer (virtual interrupts).
// The table of a domain is given at creation and never grows. Everything here takes event::lock.
#pragma once

#include "hv/abi/xen_event_channel.hpp"
#include "hv/base/address.hpp"
#include "hv/base/result.hpp"
#include "hv/base/spinlock.hpp"
#include "hv/domain/domain.hpp"
#include "hv/domain/vcpu.hpp"
#include "hv/event/fifo.hpp"

#include <array>
#include <cstdint>
#include <span>

namespace hv::event {

extern constinit Spinlock lock;  // rank 2, see hv/domain/domain.hpp

enum class Error : uint8_t {
    BadPort,      // no such port, or not in a state for this: refuse
    BadVcpu,      // no such vCPU: refuse
    BadVirq,      // no such virtual interrupt, or not on that vCPU: refuse
    DomainGone,   // the other domain is ending or has ended: refuse
    AlreadyUsed,  // the virtual interrupt is bound, or the port is taken: refuse
    NoPort,       // the table, or the FIFO ABI's event array, is full: refuse
    // Of fifo_control.hpp:
    BadAddress,    // not in a page of own RAM, not aligned, or across its end: refuse
    HasControl,    // the vCPU has a control block: refuse
    NotFifo,       // there is no event array: refuse
    NoPriorities,  // the 2-level ABI has none: refuse
    BadPriority,   // below the lowest: refuse
};

enum class ChannelState : uint8_t { Free, Unbound, Interdomain, Virq, Ipi };

struct Channel {
    ChannelState state = ChannelState::Free;
    DomainId remote_id{};              // Unbound: who may bind
    VcpuId notify{};                   // the vCPU that is told
    uint32_t virq = 0;                 // Virq
    EvtchnPort remote_port{};          // Interdomain
    domain::Domain* remote = nullptr;  // Interdomain
};

// What status() tells of a port.
struct Status {
    abi::EvtchnStat state = abi::EvtchnStat::EVTCHNSTAT_closed;
    VcpuId vcpu{};
    DomainId remote{};
    EvtchnPort remote_port{};
    uint32_t virq = 0;
};

class EventChannels {
  public:
    constexpr EventChannels() = default;
    // Port 0 is never used, as on Xen. At most abi::EVTCHN_2L_NR_CHANNELS, and as many of both.
    void init(std::span<Channel> table, std::span<FifoPort> fifo_ports);

    [[nodiscard]] bool is_valid(EvtchnPort port) const {
        return port.value() != 0 && port.value() < table_.size();
    }
    [[nodiscard]] bool is_bound(EvtchnPort port) const {
        return is_valid(port) && table_[port.value()].state != ChannelState::Free;
    }
    [[nodiscard]] uint32_t port_count() const { return static_cast<uint32_t>(table_.size()); }
    Channel& at(EvtchnPort port) { return table_[port.value()]; }
    Result<EvtchnPort, Error> find_free() const;
    Fifo& fifo() { return fifo_; }
    // The port that a virtual interrupt of a vCPU is bound to; 0 if none.
    uint16_t& virq_port(VcpuId vcpu, uint32_t virq) { return virq_ports_[vcpu.value()][virq]; }

  private:
    std::span<Channel> table_;
    Fifo fifo_;
    std::array<std::array<uint16_t, abi::NR_VIRQS>, launch::max_vcpus_per_domain> virq_ports_{};
};

// EVTCHNOP_*, on behalf of `domain`.
Result<EvtchnPort, Error> alloc_unbound(domain::Domain& domain, DomainId remote);
Result<EvtchnPort, Error> bind_interdomain(domain::Domain& domain, domain::Domain& remote,
                                           EvtchnPort remote_port);
Result<EvtchnPort, Error> bind_virq(domain::Domain& domain, uint32_t virq, VcpuId vcpu);
Result<EvtchnPort, Error> bind_ipi(domain::Domain& domain, VcpuId vcpu);
Result<void, Error> bind_vcpu(domain::Domain& domain, EvtchnPort port, VcpuId vcpu);
Result<void, Error> close(domain::Domain& domain, EvtchnPort port);
Result<void, Error> send(domain::Domain& domain, EvtchnPort port);
Result<void, Error> unmask(domain::Domain& domain, EvtchnPort port);
Result<Status, Error> status(domain::Domain& domain, EvtchnPort port);

// Closes every port: EVTCHNOP_reset, and teardown (is_dying is set then, so that nobody binds).
void close_all(domain::Domain& domain);

// A channel of the plan, made before either domain runs. Both ports must be free.
Result<void, Error> connect(domain::Domain& a, EvtchnPort port_a, domain::Domain& b,
                            EvtchnPort port_b);

// Virtual interrupts; nothing happens unless the guest has bound them. Not with sched::lock held.
void send_virq(domain::Vcpu& vcpu, abi::Virq virq);
void send_global_virq(domain::Domain& domain, abi::Virq virq);

// SCHEDOP_poll for the vCPU that calls: true if a port is pending now, otherwise the vCPU is
// wakened when one becomes so.
inline constexpr uint32_t polls_several = ~uint32_t{0};
Result<bool, Error> start_polling(domain::Vcpu& vcpu, std::span<const EvtchnPort> ports);
void stop_polling(domain::Vcpu& vcpu);

}  // namespace hv::event
