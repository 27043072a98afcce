// SPDX-License-Identifier: Apache-2.0
// One event word of the FIFO ABI, which the guest changes at any time: how the last event of a
// queue is made to point to the next one. [xen-pub] event_channel.h. Used by Fifo.
#pragma once

#include "hv/abi/xen_event_channel.hpp"
#include "hv/base/address.hpp"

#include <cstdint>

namespace hv::event::fifo_word {

constexpr uint32_t bit(uint32_t number) {
    return uint32_t{1} << number;
}
inline constexpr uint32_t PENDING = bit(abi::EVTCHN_FIFO_PENDING);
inline constexpr uint32_t MASKED = bit(abi::EVTCHN_FIFO_MASKED);
inline constexpr uint32_t LINKED = bit(abi::EVTCHN_FIFO_LINKED);
inline constexpr uint32_t BUSY = bit(abi::EVTCHN_FIFO_BUSY);
inline constexpr uint32_t LINK = abi::EVTCHN_FIFO_LINK_MASK;

enum class Append : uint8_t {
    Done,
    QueueIsEmpty,  // the tail is not linked any more: the guest has taken it
    GaveUp,        // the guest changes the word faster than it may: nothing is changed
};

// A guest that keeps to the rules changes a linked word only to set or clear MASKED, to clear
// PENDING, and to take it, which clears LINKED and LINK; and while BUSY is set it clears no MASKED.
// So the exchange fails a few times at most.
inline constexpr unsigned most_tries = 8;

// `tail` is the last event of a queue, if it still is linked; std::atomic_ref, or a test's.
template <class AtomicWord>
Append append(AtomicWord tail, EvtchnPort next) {
    uint32_t seen = tail.load();
    for (unsigned n = 0; n < most_tries; ++n) {
        if ((seen & LINKED) == 0) {
            if (n > 0) {
                tail.fetch_and(~BUSY);
            }
            return Append::QueueIsEmpty;
        }
        if (tail.compare_exchange_strong(seen, (seen & ~(BUSY | LINK)) | next.value())) {
            return Append::Done;
        }
        if (n == 0) {
            seen = tail.fetch_or(BUSY) | BUSY;
        }
    }
    tail.fetch_and(~BUSY);
    return Append::GaveUp;
}

}  // namespace hv::event::fifo_word
