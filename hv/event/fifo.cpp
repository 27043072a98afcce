// SPDX-License-Identifier: Apache-2.0
#include "hv/event/fifo.hpp"

#include "hv/base/assert.hpp"
#include "hv/event/fifo_word.hpp"

#include <algorithm>

namespace hv::event {

void Fifo::init(std::span<FifoPort> ports) {
    is_used_ = false;
    page_count_ = 0;
    pages_.fill({});
    queues_.fill({});
    ports_ = ports;
    std::fill(ports_.begin(), ports_.end(), FifoPort{});
}

uint32_t* Fifo::word_of(EvtchnPort port) const {
    const uint32_t page = port.value() / words_per_page;
    return page < page_count_ ? &pages_[page].words[port.value() % words_per_page] : nullptr;
}

Raised Fifo::raise(EvtchnPort port, const domain::Vcpu& notify) {
    uint32_t* const word = word_of(port);
    if (word == nullptr) {
        keep_waiting(port);
        return {};
    }
    // Pending before the mask is read, as with the 2-level ABI.
    const uint32_t before = shared(*word).fetch_or(fifo_word::PENDING);
    const bool is_new = (before & fifo_word::PENDING) == 0;
    // Linked even if it was pending: the guest may have cleared its mask without telling us.
    return {.is_new = is_new, .wants_upcall = link(port, *word, notify.id)};
}

void Fifo::clear(EvtchnPort port) {
    ports_[port.value()].is_waiting = false;
    if (uint32_t* const word = word_of(port); word != nullptr) {
        // It stays linked: the guest takes it, sees that it is not pending, and goes on.
        shared(*word).fetch_and(~fifo_word::PENDING);
    }
}

Raised Fifo::unmask(EvtchnPort port, const domain::Vcpu& notify) {
    uint32_t* const word = word_of(port);
    if (word == nullptr) {
        return {};
    }
    const uint32_t before = shared(*word).fetch_and(~fifo_word::MASKED);
    const bool is_pending = (before & fifo_word::PENDING) != 0;
    return {.wants_upcall = is_pending && link(port, *word, notify.id)};
}

bool Fifo::is_pending(EvtchnPort port) const {
    uint32_t* const word = word_of(port);
    return word != nullptr && (shared(*word).load() & fifo_word::PENDING) != 0;
}

bool Fifo::is_linked(EvtchnPort port) const {
    uint32_t* const word = word_of(port);
    return word != nullptr && (shared(*word).load() & fifo_word::LINKED) != 0;
}

// The port is pending: onto a queue, unless it is masked or on one. Whether the vCPU has to be
// told.
bool Fifo::link(EvtchnPort port, uint32_t& word, VcpuId vcpu) {
    Queues& queues = queues_[vcpu.value()];
    if (queues.control == nullptr) {
        return false;  // Once it is there, what is pending is raised again.
    }
    const bool is_masked = (shared(word).load() & fifo_word::MASKED) != 0;
    if (is_masked || (shared(word).fetch_or(fifo_word::LINKED) & fifo_word::LINKED) != 0) {
        return false;
    }
    FifoPort& state = ports_[port.value()];
    uint32_t& old_tail = queues_[state.queued_vcpu].tails[state.queued_priority];
    if (old_tail == port.value()) {
        // The guest has taken it, and it was the last: that queue is empty. It would look as if it
        // were not, now that the word is linked again.
        old_tail = 0;
    }
    state.queued_vcpu = static_cast<uint8_t>(vcpu.value());
    state.queued_priority = state.priority;
    return put(port, word, queues, state.priority);
}

// The word is linked: behind the last one of the queue or, if there is none, at its head.
bool Fifo::put(EvtchnPort port, uint32_t& word, Queues& queues, uint8_t priority) {
    uint32_t& tail = queues.tails[priority];
    const auto appended = tail == 0 ? fifo_word::Append::QueueIsEmpty
                                    : fifo_word::append(shared(*word_of(EvtchnPort{tail})), port);
    if (appended == fifo_word::Append::GaveUp) {
        shared(word).fetch_and(~fifo_word::LINKED);  // it stays pending; the next event tries again
        return false;
    }
    tail = port.value();
    if (appended == fifo_word::Append::Done) {
        return false;  // The guest was told of what is before it, and has not come to its end.
    }
    // The head before the bit that says there is one.
    shared(queues.control->head[priority]).store(port.value());
    const uint32_t bit = fifo_word::bit(priority);
    return (shared(queues.control->ready).fetch_or(bit) & bit) == 0;
}

void Fifo::set_control(VcpuId vcpu, abi::EvtchnFifoControlBlock* block, Mfn mfn) {
    queues_[vcpu.value()] = {.control = block, .mfn = mfn};
}

void Fifo::add_page(uint32_t* words, Mfn mfn) {
    ASSERT(page_count_ < max_pages);
    pages_[page_count_++] = {.words = words, .mfn = mfn};
}

}  // namespace hv::event
