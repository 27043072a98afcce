// SPDX-License-Identifier: Apache-2.0
// What channels ask of the world around them, so that the same code runs in a domain and in tests.
#pragma once

#include "hv/abi/xen_console.hpp"
#include "hv/base/address.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace console {

// A front end's ring and event channel.
struct Link {
    hv::abi::XenconsInterface* page = nullptr;  // never null in a Link that connect() gave
    uint32_t port = 0;                          // ours
    uint32_t handle = 0;                        // of the grant
};

class Outside {
  public:
    // What a front end offers, as it says; none if it does not offer that to us. The page is the
    // `index`-th of all channels.
    virtual std::optional<Link> connect(hv::DomainId domain, hv::GrantRef ring, uint32_t port,
                                        size_t index) = 0;
    virtual void disconnect(const Link& link) = 0;

  protected:
    ~Outside() = default;
};

}  // namespace console
