// SPDX-License-Identifier: Apache-2.0
// The consumer's side of a PV console ring: takes what a domain has written. The page is the
// domain's own, so nothing in it is believed: our index is kept here, and a producer that is
// further ahead than the ring is long has overwritten the oldest bytes, which are counted as lost.
#pragma once

#include "hv/abi/xen_console.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace console {

class OutRing {
  public:
    static constexpr size_t capacity = sizeof(hv::abi::XenconsInterface::out);
    using Buffer = std::array<char, capacity>;

    explicit OutRing(hv::abi::XenconsInterface& page);

    struct Taken {
        std::string_view text;    // in the caller's buffer
        uint32_t lost_bytes = 0;  // dropped before `text`
    };
    // Takes everything that is there, and makes room in the ring at once.
    Taken take(Buffer& buffer);

    // The domain has ended and its page is gone: all indices read as ones. A domain that writes
    // this itself loses its console and nothing else.
    [[nodiscard]] bool is_gone() const;

  private:
    hv::abi::XenconsInterface* page_;  // the caller's, never null
    uint32_t consumed_;
};

}  // namespace console
