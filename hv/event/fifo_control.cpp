// SPDX-License-Identifier: Apache-2.0
#include "hv/event/fifo_control.hpp"

#include "hv/domain/physmap.hpp"
#include "hv/event/pending.hpp"
#include "hv/event/two_level.hpp"
#include "hv/mm/direct_map.hpp"
#include "hv/mm/frame_table.hpp"

namespace hv::event {

namespace {

using abi::EvtchnFifoControlBlock;

// The guest looks at shared_info no more.
void change_to_fifo(domain::Domain& domain) {
    TwoLevel before{*domain.shared_info};
    EventChannels& events = *domain.events;
    for (uint32_t n = 1; n < events.port_count(); ++n) {
        const EvtchnPort port{n};
        if (events.is_bound(port) && before.is_pending(port)) {
            events.fifo().keep_waiting(port);
        }
        before.clear(port);
    }
    events.fifo().use();
}

// Events of the vCPU that are pending without being on a queue, which it then had none.
void raise_pending_of(const domain::Vcpu& vcpu) {
    EventChannels& events = *vcpu.domain->events;
    for (uint32_t n = 1; n < events.port_count(); ++n) {
        const EvtchnPort port{n};
        if (events.is_bound(port) && events.at(port).notify == vcpu.id &&
            is_pending(*vcpu.domain, port)) {
            set_pending(*vcpu.domain, port, vcpu.id);
        }
    }
}

void raise_waiting(domain::Domain& domain) {
    EventChannels& events = *domain.events;
    const uint64_t words = uint64_t{events.fifo().page_count()} * Fifo::words_per_page;
    for (uint32_t n = 1; n < events.port_count() && n < words; ++n) {
        const EvtchnPort port{n};
        if (events.fifo().take_waiting(port)) {
            set_pending(domain, port, events.at(port).notify);
        }
    }
}

}  // namespace

Result<void, Error> init_control(domain::Vcpu& vcpu, Gfn gfn, uint32_t offset) {
    const bool fits = offset <= page_size - sizeof(EvtchnFifoControlBlock) && offset % 8 == 0;
    if (!fits) {
        return Err{Error::BadAddress};
    }
    domain::Domain& domain = *vcpu.domain;
    const LockGuard guard{domain.lock};
    const auto mfn = domain::own_ram(domain, gfn);
    if (!mfn) {
        return Err{Error::BadAddress};
    }
    const LockGuard events{lock};
    Fifo& fifo = domain.events->fifo();
    if (fifo.has_control(vcpu.id)) {
        return Err{Error::HasControl};
    }
    mm::machine_frames.add_foreign_mapping(*mfn);
    if (!fifo.is_used()) {
        change_to_fifo(domain);
    }
    auto* block = mm::direct_map_as<EvtchnFifoControlBlock>(Paddr{to_paddr(*mfn).value() + offset});
    fifo.set_control(vcpu.id, block, *mfn);
    raise_pending_of(vcpu);
    return Ok{};
}

Result<void, Error> expand_array(domain::Domain& domain, Gfn gfn) {
    const LockGuard guard{domain.lock};
    const LockGuard events{lock};
    Fifo& fifo = domain.events->fifo();
    if (!fifo.is_used()) {
        return Err{Error::NotFifo};
    }
    if (fifo.page_count() == Fifo::max_pages) {
        return Err{Error::NoPort};
    }
    const auto mfn = domain::own_ram(domain, gfn);
    if (!mfn) {
        return Err{Error::BadAddress};
    }
    mm::machine_frames.add_foreign_mapping(*mfn);
    fifo.add_page(mm::direct_map_as<uint32_t>(to_paddr(*mfn)), *mfn);
    raise_waiting(domain);
    return Ok{};
}

Result<void, Error> set_priority(domain::Domain& domain, EvtchnPort port, uint32_t priority) {
    const LockGuard guard{lock};
    EventChannels& events = *domain.events;
    if (!events.is_bound(port)) {
        return Err{Error::BadPort};
    }
    if (!events.fifo().is_used()) {
        return Err{Error::NoPriorities};
    }
    if (priority > abi::EVTCHN_FIFO_PRIORITY_MIN) {
        return Err{Error::BadPriority};
    }
    events.fifo().set_priority(port, static_cast<uint8_t>(priority));
    return Ok{};
}

void leave_fifo(domain::Domain& domain) {
    const LockGuard guard{domain.lock};
    const LockGuard events{lock};
    Fifo& fifo = domain.events->fifo();
    // Whoever writes there holds event::lock: nobody does now, nor will once it is forgotten.
    fifo.for_each_frame([](Mfn mfn) { mm::machine_frames.drop_foreign_mapping(mfn); });
    fifo.reset();
}

}  // namespace hv::event
