// SPDX-License-Identifier: Apache-2.0
// What the server asks of the world around it, so that the same server runs in a domain and in
// tests.
#pragma once

#include "domb/services/xenstore/error.hpp"
#include "hv/abi/xen_xenstore.hpp"
#include "hv/base/address.hpp"

#include <cstdint>
#include <string_view>

namespace xenstore {

class Outside {
  public:
    // INTRODUCE: finds the domain's ring page and binds to its event channel. EINVAL if there is no
    // such domain, page or channel. The page stays until unmap_ring().
    virtual Result<hv::abi::XenstoreDomainInterface*> map_ring(hv::DomainId domain, uint64_t gfn,
                                                               uint32_t port) = 0;
    // The server does not use the domain's page any more.
    virtual void unmap_ring(hv::DomainId domain) = 0;
    // Signals the domain's event channel.
    virtual void notify(hv::DomainId domain) = 0;
    // CONTROL print: a line for people, from the control domain.
    virtual void print(std::string_view line) = 0;

  protected:
    ~Outside() = default;
};

}  // namespace xenstore
