// SPDX-License-Identifier: Apache-2.0
// The producer's side of a PV console ring: puts in what the domain is to read. Our index is kept
// here; a domain whose own index cannot be has no room.
#pragma once

#include "hv/abi/xen_console.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace console {

class InRing {
  public:
    static constexpr size_t capacity = sizeof(hv::abi::XenconsInterface::in);

    explicit InRing(hv::abi::XenconsInterface& page);

    [[nodiscard]] size_t room() const;
    // As much as there is room for; how much that was.
    size_t put(std::string_view bytes);

  private:
    hv::abi::XenconsInterface* page_;  // the caller's, never null
    uint32_t produced_;
};

}  // namespace console
