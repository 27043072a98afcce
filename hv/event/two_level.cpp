// SPDX-License-Identifier: Apache-2.0
#include "hv/event/two_level.hpp"

#include <atomic>

namespace hv::event {

namespace {

constexpr uint32_t bits_per_word = 64;

uint64_t bit_of(EvtchnPort port) {
    return uint64_t{1} << (port.value() % bits_per_word);
}
uint64_t& word_of(uint64_t (&words)[bits_per_word], EvtchnPort port) {
    return words[port.value() / bits_per_word];
}

bool test_and_set(uint64_t& word, uint64_t bit) {
    return (shared(word).fetch_or(bit, std::memory_order_seq_cst) & bit) != 0;
}

// The port is pending and not masked: its word is worth a look, if nobody has said so yet.
bool select(EvtchnPort port, const domain::Vcpu& notify) {
    abi::VcpuInfo* info = notify.info.load(std::memory_order_acquire);
    if (info == nullptr) {
        return false;  // Registering one marks everything pending.
    }
    return !test_and_set(info->evtchn_pending_sel, uint64_t{1} << (port.value() / bits_per_word));
}

}  // namespace

Raised TwoLevel::raise(EvtchnPort port, const domain::Vcpu& notify) {
    if (test_and_set(word_of(info_.evtchn_pending, port), bit_of(port))) {
        return {};
    }
    // Pending before the mask is read: a guest that unmasks looks at pending afterwards, so one of
    // the two sides sees the other.
    const uint64_t mask = shared(word_of(info_.evtchn_mask, port)).load(std::memory_order_seq_cst);
    return {.is_new = true, .wants_upcall = (mask & bit_of(port)) == 0 && select(port, notify)};
}

void TwoLevel::clear(EvtchnPort port) {
    shared(word_of(info_.evtchn_pending, port)).fetch_and(~bit_of(port));
}

Raised TwoLevel::unmask(EvtchnPort port, const domain::Vcpu& notify) {
    const uint64_t before = shared(word_of(info_.evtchn_mask, port)).fetch_and(~bit_of(port));
    const bool is_missed = (before & bit_of(port)) != 0 && is_pending(port);
    return {.wants_upcall = is_missed && select(port, notify)};
}

bool TwoLevel::is_pending(EvtchnPort port) const {
    uint64_t& word = word_of(info_.evtchn_pending, port);
    return (shared(word).load(std::memory_order_seq_cst) & bit_of(port)) != 0;
}

}  // namespace hv::event
