// SPDX-License-Identifier: Apache-2.0
#include "domb/services/console/out_ring.hpp"

#include <algorithm>
#include <atomic>

namespace console {
namespace {

uint32_t load(uint32_t& index, std::memory_order order) {
    return std::atomic_ref{index}.load(order);
}

}  // namespace

OutRing::OutRing(hv::abi::XenconsInterface& page)
    : page_{&page}, consumed_{load(page.out_cons, std::memory_order_relaxed)} {
    std::atomic_ref{page.connection}.store(hv::abi::XENCONSOLE_CONNECTED);
}

OutRing::Taken OutRing::take(Buffer& buffer) {
    // Pairs with the producer's barrier between its bytes and its index: bytes below the index that
    // is read here are written.
    const uint32_t produced = load(page_->out_prod, std::memory_order_acquire);
    const uint32_t ahead = produced - consumed_;
    const uint32_t count = std::min(ahead, static_cast<uint32_t>(capacity));
    const uint32_t first = produced - count;
    for (uint32_t i = 0; i < count; ++i) {
        buffer[i] = page_->out[(first + i) % capacity];
    }
    consumed_ = produced;
    // The bytes are copied before the producer may overwrite them.
    std::atomic_ref{page_->out_cons}.store(consumed_, std::memory_order_release);
    return {.text = {buffer.data(), count}, .lost_bytes = ahead - count};
}

bool OutRing::is_gone() const {
    constexpr uint32_t ones = ~uint32_t{0};
    return load(page_->out_prod, std::memory_order_relaxed) == ones &&
           load(page_->out_cons, std::memory_order_relaxed) == ones &&
           load(page_->in_prod, std::memory_order_relaxed) == ones &&
           load(page_->in_cons, std::memory_order_relaxed) == ones;
}

}  // namespace console
