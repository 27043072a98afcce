// SPDX-License-Identifier: Apache-2.0
#include "tests/guest/pv/rt/fifo.hpp"

#include "tests/guest/pv/rt/kernel.hpp"
#include "tests/guest/pv/rt/pages.hpp"

#include <bit>

namespace pv::fifo {

namespace {

using hv::abi::EventChannelOp;
using hv::abi::EvtchnFifoControlBlock;

constexpr uint32_t queues = hv::abi::EVTCHN_FIFO_MAX_QUEUES;
constexpr uint32_t link_mask = hv::abi::EVTCHN_FIFO_LINK_MASK;

alignas(page_bytes) constinit std::array<uint32_t, word_count> words{};
alignas(page_bytes) constinit std::array<std::byte, page_bytes> controls{};
// The next port of each queue; 0: see the control block.
constinit std::array<std::array<uint32_t, queues>, 2> heads{};

uint64_t mfn_behind(const void* page) {
    return mfn_of(pfn_at(to_argument(page)));
}

}  // namespace

std::atomic_ref<uint32_t> word(uint32_t port) {
    return std::atomic_ref{words[port % word_count]};
}
EvtchnFifoControlBlock& control(unsigned vcpu) {
    // SAFETY: aligned, and within the page.
    return *reinterpret_cast<EvtchnFifoControlBlock*>(controls.data() + control_offsets[vcpu]);
}
uint64_t words_mfn() {
    return mfn_behind(words.data());
}
uint64_t controls_mfn() {
    return mfn_behind(controls.data());
}

int64_t init_control(uint64_t mfn, uint32_t offset, uint32_t vcpu) {
    hv::abi::EvtchnInitControl args{};
    args.control_gfn = mfn;
    args.offset = offset;
    args.vcpu = vcpu;
    const int64_t result =
        hypercall(Hypercall::event_channel_op, EventChannelOp::EVTCHNOP_init_control, &args);
    if (result == 0) {
        check_equal(args.link_bits, hv::abi::EVTCHN_FIFO_LINK_BITS, "link_bits");
    }
    return result;
}
int64_t expand_array(uint64_t mfn) {
    const hv::abi::EvtchnExpandArray args{mfn};
    return hypercall(Hypercall::event_channel_op, EventChannelOp::EVTCHNOP_expand_array, &args);
}
int64_t set_priority(uint32_t port, uint32_t priority) {
    const hv::abi::EvtchnSetPriority args{port, priority};
    return hypercall(Hypercall::event_channel_op, EventChannelOp::EVTCHNOP_set_priority, &args);
}

void start() {
    for (uint32_t vcpu = 0; vcpu < control_offsets.size(); ++vcpu) {
        check_result(init_control(controls_mfn(), control_offsets[vcpu], vcpu), 0, "init_control");
    }
    check_result(expand_array(words_mfn()), 0, "expand_array");
}

void take(unsigned vcpu, void (*found)(uint32_t port)) {
    EvtchnFifoControlBlock& block = control(vcpu);
    uint32_t ready = std::atomic_ref{block.ready}.exchange(0);
    for (unsigned n = 0; (ready & 0xffff) != 0 && n < 4 * word_count; ++n) {
        const auto queue = static_cast<uint32_t>(std::countr_zero(ready));
        uint32_t& head = heads[vcpu][queue];
        const uint32_t port = head != 0 ? head : std::atomic_ref{block.head[queue]}.load();
        head = word(port).fetch_and(~(LINKED | link_mask)) & link_mask;
        if (head == 0) {
            ready &= ~bit(queue);
        }
        if ((word(port).load() & (PENDING | MASKED)) == PENDING) {
            word(port).fetch_and(~PENDING);
            found(port);
        }
        ready |= std::atomic_ref{block.ready}.exchange(0);
    }
}

void clear_words() {
    for (uint32_t port = 0; port < word_count; ++port) {
        word(port).store(0);
    }
    heads = {};
}

}  // namespace pv::fifo
