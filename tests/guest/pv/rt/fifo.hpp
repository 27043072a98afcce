// SPDX-License-Identifier: Apache-2.0
// Events of a PV test kernel by the FIFO ABI, for its two vCPUs. [xen-pub] event_channel.h.
#pragma once

#include "hv/abi/xen_event_channel.hpp"

#include <array>
#include <atomic>
#include <cstdint>

namespace pv::fifo {

inline constexpr uint32_t word_count = 1024;
constexpr uint32_t bit(uint32_t number) {
    return uint32_t{1} << number;
}
inline constexpr uint32_t PENDING = bit(hv::abi::EVTCHN_FIFO_PENDING);
inline constexpr uint32_t MASKED = bit(hv::abi::EVTCHN_FIFO_MASKED);
inline constexpr uint32_t LINKED = bit(hv::abi::EVTCHN_FIFO_LINKED);
inline constexpr uint32_t BUSY = bit(hv::abi::EVTCHN_FIFO_BUSY);

// Pages of the kernel's own, until it gives them away.
std::atomic_ref<uint32_t> word(uint32_t port);
hv::abi::EvtchnFifoControlBlock& control(unsigned vcpu);
uint64_t words_mfn();
uint64_t controls_mfn();
inline constexpr std::array<uint32_t, 2> control_offsets{0, 4096 - 72};

int64_t init_control(uint64_t mfn, uint32_t offset, uint32_t vcpu);
int64_t expand_array(uint64_t mfn);
int64_t set_priority(uint32_t port, uint32_t priority);
// The pages above, to the hypervisor. No word is masked.
void start();

// What this vCPU has, the highest priority first: each port that is pending and not masked, once
// its word is clear. Ends whatever the words say.
void take(unsigned vcpu, void (*found)(uint32_t port));
// All that this side remembers of queues is forgotten, too.
void clear_words();

}  // namespace pv::fifo
