// SPDX-License-Identifier: Apache-2.0
// Ring: the server's side of a client's ring page. Nothing in the page is believed: indices that
// cannot be are reported, and all accesses stay within the rings whatever they say. As xenstored
// does, it reads its own indices from the page, too: firmware of guests clears the page after use.
#pragma once

#include "domb/services/xenstore/error.hpp"
#include "hv/abi/xen_xenstore.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace xenstore {

// The client's indices make no sense: give up the connection.
struct BadIndex {};

class Ring {
  public:
    explicit Ring(hv::abi::XenstoreDomainInterface& page) : page_{&page} {}

    // Takes what is there, at most as much as fits.
    hv::Result<size_t, BadIndex> read(std::span<char> to);
    // Puts what there is room for.
    hv::Result<size_t, BadIndex> write(std::span<const char> from);

    [[nodiscard]] bool wants_reconnect() const;
    // Empties both rings and says that there is a connection, without error.
    void reset();
    void report(uint32_t error);

    [[nodiscard]] uint32_t features() const;
    void set_features(uint32_t features);

  private:
    hv::abi::XenstoreDomainInterface* page_;  // the caller's, never null
};

}  // namespace xenstore
