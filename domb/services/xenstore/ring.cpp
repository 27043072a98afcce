// SPDX-License-Identifier: Apache-2.0
#include "domb/services/xenstore/ring.hpp"

#include <algorithm>
#include <atomic>

namespace xenstore {
namespace {

constexpr uint32_t ring_size = hv::abi::XENSTORE_RING_SIZE;

uint32_t load(uint32_t& field, std::memory_order order = std::memory_order_relaxed) {
    return std::atomic_ref{field}.load(order);
}
void store(uint32_t& field, uint32_t value, std::memory_order order = std::memory_order_relaxed) {
    std::atomic_ref{field}.store(value, order);
}

}  // namespace

hv::Result<size_t, BadIndex> Ring::read(std::span<char> to) {
    const uint32_t consumed = load(page_->req_cons);
    // Pairs with the client's barrier between its bytes and its index.
    const uint32_t ready = load(page_->req_prod, std::memory_order_acquire) - consumed;
    if (ready > ring_size) {
        return hv::Err{BadIndex{}};
    }
    const auto count = static_cast<uint32_t>(std::min<size_t>(ready, to.size()));
    for (uint32_t i = 0; i < count; ++i) {
        to[i] = page_->req[(consumed + i) % ring_size];
    }
    // The bytes are copied before the client may overwrite them.
    store(page_->req_cons, consumed + count, std::memory_order_release);
    return size_t{count};
}

hv::Result<size_t, BadIndex> Ring::write(std::span<const char> from) {
    const uint32_t produced = load(page_->rsp_prod);
    // Pairs with the client's barrier between copying bytes and moving its index.
    const uint32_t waiting = produced - load(page_->rsp_cons, std::memory_order_acquire);
    if (waiting > ring_size) {
        return hv::Err{BadIndex{}};
    }
    const auto count = static_cast<uint32_t>(std::min<size_t>(ring_size - waiting, from.size()));
    for (uint32_t i = 0; i < count; ++i) {
        page_->rsp[(produced + i) % ring_size] = from[i];
    }
    // The bytes are there before the client may read them.
    store(page_->rsp_prod, produced + count, std::memory_order_release);
    return size_t{count};
}

bool Ring::wants_reconnect() const {
    return load(page_->connection, std::memory_order_acquire) == hv::abi::XENSTORE_RECONNECT;
}

void Ring::reset() {
    store(page_->req_cons, 0);
    store(page_->req_prod, 0);
    store(page_->rsp_cons, 0);
    store(page_->rsp_prod, 0);
    store(page_->error, hv::abi::XENSTORE_ERROR_NONE);
    // The client looks at the rest once it reads this.
    store(page_->connection, hv::abi::XENSTORE_CONNECTED, std::memory_order_release);
}

void Ring::report(uint32_t error) {
    store(page_->error, error, std::memory_order_release);
}

uint32_t Ring::features() const {
    return load(page_->server_features);
}

void Ring::set_features(uint32_t features) {
    store(page_->server_features, features, std::memory_order_release);
}

}  // namespace xenstore
