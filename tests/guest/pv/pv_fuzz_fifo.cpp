// SPDX-License-Identifier: Apache-2.0
// Event words and control blocks of the FIFO ABI that say anything, while events come.
#include "tests/guest/pv/pv_fuzz.hpp"
#include "tests/guest/pv/rt/fifo.hpp"

namespace fuzz {

namespace {

using namespace pv;

constexpr uint32_t ports_in_use = 128;
constinit bool is_used = false;

// What a word may be made of, each part at random.
uint32_t content(Random& r) {
    constexpr uint32_t bits[] = {fifo::PENDING, fifo::MASKED, fifo::LINKED, fifo::BUSY};
    auto value = static_cast<uint32_t>(r.one_in(2) ? r.below(ports_in_use) : r.number());
    for (const uint32_t bit : bits) {
        value ^= r.one_in(2) ? bit : 0;
    }
    return value;
}

}  // namespace

void start_fifo() {
    is_used = option("fifo", 0) != 0;
    if (is_used) {
        fifo::start();
    }
}

bool uses_fifo() {
    return is_used;
}

void clear_event_words(unsigned vcpu) {
    for (uint32_t port = 0; is_used && port < ports_in_use; ++port) {
        fifo::word(port).store(0);
    }
    std::atomic_ref{fifo::control(vcpu).ready}.store(0);
}

void one_event_word(Fuzzer& f) {
    Random& r = f.random;
    for (uint64_t n = 1 + r.below(8); n > 0; --n) {
        hv::abi::EvtchnFifoControlBlock& block = fifo::control(static_cast<unsigned>(r.below(2)));
        switch (r.below(8)) {
            case 0:
                std::atomic_ref{block.ready}.store(static_cast<uint32_t>(r.number()));
                break;
            case 1:
                std::atomic_ref{block.head[r.below(hv::abi::EVTCHN_FIFO_MAX_QUEUES)]}.store(
                    content(r));
                break;
            default:
                fifo::word(static_cast<uint32_t>(r.below(ports_in_use))).store(content(r));
        }
    }
}

}  // namespace fuzz
