// SPDX-License-Identifier: Apache-2.0
// The FIFO event ABI: a word for each port in pages of the guest's (the event array), linked into
// sixteen queues for each vCPU, one for each priority, whose heads are in a control block of the
// guest's, too. [xen-pub] event_channel.h. The guest takes events from the heads; we append.
//
// All of that memory is hostile. What we believe is kept here: the tail of each queue and the queue
// that each port was put on last. A link is only ever written, never followed.
//
// Used by pending.cpp and fifo_control.cpp, with event::lock held. It does not pin the guest's
// pages (fifo_control.cpp does), and tells no vCPU (pending.cpp does).
#pragma once

#include "hv/abi/xen_event_channel.hpp"
#include "hv/base/address.hpp"
#include "hv/event/event_abi.hpp"
#include "launch-config/binding/launch_graph.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <utility>

namespace hv::event {

// What is remembered of a port beside its word; also while nothing is bound to it, because its word
// may be linked still.
struct FifoPort {
    uint8_t priority = abi::EVTCHN_FIFO_PRIORITY_DEFAULT;
    uint8_t queued_priority = 0;  // of the queue it was put on last
    uint8_t queued_vcpu = 0;      // likewise
    bool is_waiting = false;      // pending since before its word was there
};
static_assert(launch::max_vcpus_per_domain <= 256 && abi::EVTCHN_FIFO_MAX_QUEUES <= 256);

class Fifo {
  public:
    static constexpr uint32_t words_per_page = page_size / sizeof(uint32_t);
    static constexpr uint32_t max_pages = abi::EVTCHN_FIFO_NR_CHANNELS / words_per_page;

    constexpr Fifo() = default;
    void init(std::span<FifoPort> ports);

    // --- EventAbi
    Raised raise(EvtchnPort port, const domain::Vcpu& notify);
    void clear(EvtchnPort port);
    Raised unmask(EvtchnPort port, const domain::Vcpu& notify);
    [[nodiscard]] bool is_pending(EvtchnPort port) const;

    // Whether the port is on a queue, for all that the guest says: nobody else may have it then.
    [[nodiscard]] bool is_linked(EvtchnPort port) const;
    void set_priority(EvtchnPort port, uint8_t priority) {
        ports_[port.value()].priority = priority;
    }

    // Whether the domain has changed to this ABI.
    [[nodiscard]] bool is_used() const { return is_used_; }
    void use() { is_used_ = true; }
    // An event from before there was a word for it; raised once there is.
    void keep_waiting(EvtchnPort port) { ports_[port.value()].is_waiting = true; }
    bool take_waiting(EvtchnPort port) {
        return std::exchange(ports_[port.value()].is_waiting, false);
    }

    // The guest's memory. `mfn`: the frame it is in, for whoever unpins it.
    [[nodiscard]] bool has_control(VcpuId vcpu) const {
        return queues_[vcpu.value()].control != nullptr;
    }
    void set_control(VcpuId vcpu, abi::EvtchnFifoControlBlock* block, Mfn mfn);
    [[nodiscard]] uint32_t page_count() const { return page_count_; }
    void add_page(uint32_t* words, Mfn mfn);
    template <class Work>
    void for_each_frame(Work work) const {
        for (uint32_t n = 0; n < page_count_; ++n) {
            work(pages_[n].mfn);
        }
        for (const Queues& queues : queues_) {
            if (queues.control != nullptr) {
                work(queues.mfn);
            }
        }
    }
    // Back to the beginning: not used, no memory of the guest's, no event.
    void reset() { init(ports_); }

  private:
    struct Page {
        uint32_t* words = nullptr;
        Mfn mfn{};
    };
    struct Queues {
        abi::EvtchnFifoControlBlock* control = nullptr;
        Mfn mfn{};
        std::array<uint32_t, abi::EVTCHN_FIFO_MAX_QUEUES> tails{};  // 0: empty
    };

    [[nodiscard]] uint32_t* word_of(EvtchnPort port) const;
    bool link(EvtchnPort port, uint32_t& word, VcpuId vcpu);
    bool put(EvtchnPort port, uint32_t& word, Queues& queues, uint8_t priority);

    bool is_used_ = false;
    uint32_t page_count_ = 0;
    std::array<Page, max_pages> pages_{};
    std::array<Queues, launch::max_vcpus_per_domain> queues_{};
    std::span<FifoPort> ports_;
};
static_assert(EventAbi<Fifo>);

}  // namespace hv::event
