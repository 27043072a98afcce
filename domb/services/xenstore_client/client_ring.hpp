// SPDX-License-Identifier: Apache-2.0
// ClientRing: the client's side of a Xenstore ring page. The client's own indices are kept here; of
// the server's only those that can be are followed, and no access leaves the rings.
#pragma once

#include "hv/abi/xen_xenstore.hpp"
#include "hv/base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace xenstore_client {

// The server's indices make no sense: the connection is worth nothing any more.
struct BadIndex {};

class ClientRing {
  public:
    // Goes on where the page says that the client is: in a new domain at 0.
    explicit ClientRing(hv::abi::XenstoreDomainInterface& page);

    // Takes what is there, at most as much as fits.
    hv::Result<size_t, BadIndex> read(std::span<char> to);
    // Puts what there is room for.
    hv::Result<size_t, BadIndex> write(std::span<const char> from);

  private:
    hv::abi::XenstoreDomainInterface* page_;  // the caller's, never null
    uint32_t produced_;                       // of requests
    uint32_t consumed_;                       // of replies and events
};

}  // namespace xenstore_client
