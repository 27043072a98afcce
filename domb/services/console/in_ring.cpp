// SPDX-License-Identifier: Apache-2.0
#include "domb/services/console/in_ring.hpp"

#include <algorithm>
#include <atomic>

namespace console {

InRing::InRing(hv::abi::XenconsInterface& page)
    : page_{&page}, produced_{std::atomic_ref{page.in_prod}.load(std::memory_order_relaxed)} {}

size_t InRing::room() const {
    // Pairs with the consumer's barrier between taking bytes and its index: they may be
    // overwritten.
    const uint32_t waiting =
        produced_ - std::atomic_ref{page_->in_cons}.load(std::memory_order_acquire);
    return waiting > capacity ? 0 : capacity - waiting;
}

size_t InRing::put(std::string_view bytes) {
    const size_t count = std::min(room(), bytes.size());
    for (size_t i = 0; i < count; ++i) {
        page_->in[(produced_ + i) % capacity] = bytes[i];
    }
    produced_ += static_cast<uint32_t>(count);
    // The bytes are there before the domain may read them.
    std::atomic_ref{page_->in_prod}.store(produced_, std::memory_order_release);
    return count;
}

}  // namespace console
