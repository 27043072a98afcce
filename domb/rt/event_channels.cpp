// SPDX-License-Identifier: Apache-2.0
#include "domb/rt/event_channels.hpp"

#include "domb/rt/address_space.hpp"
#include "domb/rt/guest_addresses.hpp"
#include "domb/rt/hypercall.hpp"
#include "domb/rt/instructions.hpp"
#include "hv/abi/xen_memory.hpp"
#include "hv/abi/xen_sched.hpp"
#include "hv/base/address.hpp"
#include "hv/base/assert.hpp"

#include <atomic>

namespace rt {
namespace {

constexpr uint32_t bits_per_word = 64;

}  // namespace

EventChannels EventChannels::start() {
    hv::abi::AddToPhysmap argument{};
    argument.domid = hv::abi::DOMID_SELF;
    argument.space = static_cast<uint32_t>(hv::abi::PhysMapSpace::XENMAPSPACE_shared_info);
    argument.gpfn = shared_info_gpaddr / hv::page_size;
    if (hypercall(Hypercall::memory_op, hv::abi::MemoryOp::XENMEM_add_to_physmap, &argument) != 0) {
        PANIC("no shared info page");
    }
    // SAFETY: the hypervisor has put its shared info page there for the domain's life.
    auto& shared = *reinterpret_cast<hv::abi::SharedInfo*>(
        bytes_of({shared_info_gpaddr, hv::page_size}).data());
    for (uint64_t& word : shared.evtchn_mask) {
        std::atomic_ref{word}.store(~uint64_t{0});
    }
    return EventChannels{shared};
}

uint32_t EventChannels::bind_virq(hv::abi::Virq virq) {
    hv::abi::EvtchnBindVirq argument{};
    argument.virq = static_cast<uint32_t>(virq);
    if (hypercall(Hypercall::event_channel_op, hv::abi::EventChannelOp::EVTCHNOP_bind_virq,
                  &argument) != 0) {
        PANIC("no port for a virtual interrupt");
    }
    return argument.port;
}

std::optional<uint32_t> EventChannels::bind_interdomain(hv::DomainId domain, uint32_t remote_port) {
    hv::abi::EvtchnBindInterdomain argument{};
    argument.remote_dom = domain.value();
    argument.remote_port = remote_port;
    if (hypercall(Hypercall::event_channel_op, hv::abi::EventChannelOp::EVTCHNOP_bind_interdomain,
                  &argument) != 0) {
        return std::nullopt;
    }
    return argument.local_port;
}

void EventChannels::close(uint32_t port) {
    const hv::abi::EvtchnClose argument{port};
    hypercall(Hypercall::event_channel_op, hv::abi::EventChannelOp::EVTCHNOP_close, &argument);
    clear(port);
}

bool EventChannels::clear(uint32_t port) {
    ASSERT(port < hv::abi::EVTCHN_2L_NR_CHANNELS);
    // Ordered before the reads of what the event announces: a locked operation is a full barrier.
    const uint64_t bit = uint64_t{1} << (port % bits_per_word);
    return (std::atomic_ref{shared_.evtchn_pending[port / bits_per_word]}.fetch_and(~bit) & bit) !=
           0;
}

uint64_t EventChannels::now_ns() const {
    hv::abi::VcpuTimeInfo& time = shared_.vcpu_info[0].time;
    const auto version = [&time] {
        return std::atomic_ref{time.version}.load(std::memory_order_acquire);
    };
    while (true) {
        const uint32_t before = version();
        const hv::abi::VcpuTimeInfo copy = time;
        const uint64_t tsc = read_tsc();
        // The copy is complete before the version is looked at again.
        std::atomic_thread_fence(std::memory_order_acquire);
        if (before % 2 == 0 && version() == before) {
            const uint64_t ticks = tsc - copy.tsc_timestamp;
            const uint64_t shifted =
                copy.tsc_shift < 0 ? ticks >> -copy.tsc_shift : ticks << copy.tsc_shift;
            __extension__ using Wide = unsigned __int128;
            return copy.system_time +
                   // cppcheck-suppress shiftTooManyBits ; it does not know that Wide has 128 bits
                   static_cast<uint64_t>(Wide{shifted} * copy.tsc_to_system_mul >> 32);
        }
    }
}

void EventChannels::wait(std::span<const uint32_t> ports, uint64_t deadline_ns) {
    hv::abi::SchedPoll argument{};
    argument.ports = to_argument(ports.data());
    argument.nr_ports = static_cast<uint32_t>(ports.size());
    argument.timeout = deadline_ns;
    hypercall(Hypercall::sched_op, hv::abi::SchedOp::SCHEDOP_poll, &argument);
}

void EventChannels::notify(uint32_t port) {
    const hv::abi::EvtchnSend argument{port};
    // A far end that is gone needs no notice.
    hypercall(Hypercall::event_channel_op, hv::abi::EventChannelOp::EVTCHNOP_send, &argument);
}

}  // namespace rt
