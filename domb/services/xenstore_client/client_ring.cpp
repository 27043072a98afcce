// SPDX-License-Identifier: Apache-2.0
#include "domb/services/xenstore_client/client_ring.hpp"

#include <algorithm>
#include <atomic>

namespace xenstore_client {
namespace {

constexpr uint32_t size = hv::abi::XENSTORE_RING_SIZE;

}  // namespace

ClientRing::ClientRing(hv::abi::XenstoreDomainInterface& page)
    : page_{&page},
      produced_{std::atomic_ref{page.req_prod}.load()},
      consumed_{std::atomic_ref{page.rsp_cons}.load()} {}

hv::Result<size_t, BadIndex> ClientRing::read(std::span<char> to) {
    // Pairs with the server's barrier between its bytes and its index.
    const uint32_t ready =
        std::atomic_ref{page_->rsp_prod}.load(std::memory_order_acquire) - consumed_;
    if (ready > size) {
        return hv::Err{BadIndex{}};
    }
    const auto count = static_cast<uint32_t>(std::min<size_t>(ready, to.size()));
    for (uint32_t i = 0; i < count; ++i) {
        to[i] = page_->rsp[(consumed_ + i) % size];
    }
    consumed_ += count;
    // The bytes are copied before the server may overwrite them.
    std::atomic_ref{page_->rsp_cons}.store(consumed_, std::memory_order_release);
    return size_t{count};
}

hv::Result<size_t, BadIndex> ClientRing::write(std::span<const char> from) {
    // Pairs with the server's barrier between copying bytes and moving its index.
    const uint32_t waiting =
        produced_ - std::atomic_ref{page_->req_cons}.load(std::memory_order_acquire);
    if (waiting > size) {
        return hv::Err{BadIndex{}};
    }
    const auto count = static_cast<uint32_t>(std::min<size_t>(size - waiting, from.size()));
    for (uint32_t i = 0; i < count; ++i) {
        page_->req[(produced_ + i) % size] = from[i];
    }
    produced_ += count;
    // The bytes are there before the server may read them.
    std::atomic_ref{page_->req_prod}.store(produced_, std::memory_order_release);
    return size_t{count};
}

}  // namespace xenstore_client
