// SPDX-License-Identifier: Apache-2.0
// Where a small domain finds its own Xenstore ring. Freestanding only.
#pragma once

#include "hv/abi/xen_xenstore.hpp"

#include <cstdint>
#include <optional>

namespace xenstore_client {

struct OwnRing {
    hv::abi::XenstoreDomainInterface* page;  // never null
    uint32_t port;
};

// None: this launch has no Xenstore, or this domain is the one that answers.
std::optional<OwnRing> find_own_ring();

}  // namespace xenstore_client
