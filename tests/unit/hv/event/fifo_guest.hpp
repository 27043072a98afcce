// SPDX-License-Identifier: Apache-2.0
// The guest's side of the FIFO ABI: one vCPU that takes events off its queues, the highest priority
// first. What it takes while somebody raises events is taken once, or once more.
#pragma once

#include "hv/abi/xen_event_channel.hpp"
#include "hv/event/fifo_word.hpp"

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <span>
#include <vector>

class FifoGuest {
  public:
    FifoGuest(hv::abi::EvtchnFifoControlBlock& block, std::span<uint32_t> words)
        : block_{block}, words_{words} {}

    // The ports that were pending and not masked, in the order of their queues.
    std::vector<uint32_t> take() {
        std::vector<uint32_t> taken;
        uint32_t ready = std::atomic_ref{block_.ready}.exchange(0);
        while (ready != 0) {
            const auto queue = static_cast<uint32_t>(std::countr_zero(ready));
            if (const uint32_t port = take_one(queue); port != 0) {
                taken.push_back(port);
            }
            if (heads_[queue] == 0) {
                ready &= ~(1U << queue);
            }
            ready |= std::atomic_ref{block_.ready}.exchange(0);
        }
        return taken;
    }

  private:
    uint32_t take_one(uint32_t queue) {
        namespace word = hv::event::fifo_word;
        uint32_t& head = heads_[queue];
        const uint32_t port = head != 0 ? head : std::atomic_ref{block_.head[queue]}.load();
        std::atomic_ref at{words_[port]};
        head = at.fetch_and(~(word::LINKED | word::LINK)) & word::LINK;
        if ((at.load() & (word::PENDING | word::MASKED)) != word::PENDING) {
            return 0;
        }
        at.fetch_and(~word::PENDING);
        return port;
    }

    hv::abi::EvtchnFifoControlBlock& block_;
    std::span<uint32_t> words_;
    std::array<uint32_t, hv::abi::EVTCHN_FIFO_MAX_QUEUES> heads_{};  // 0: see the control block
};
