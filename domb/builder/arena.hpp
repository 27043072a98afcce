// SPDX-License-Identifier: Apache-2.0
// Arena: domB's heap, handed out once and never taken back: domB is gone a moment later, and the
// hypervisor scrubs all of it.
#pragma once

#include "hv/base/address.hpp"
#include "hv/base/result.hpp"

#include <cstddef>
#include <span>

namespace builder {

struct OutOfMemory {};  // the hypervisor sized the heap too small: a mistake of ours

class Arena {
  public:
    // `memory` is page aligned, and zero-filled at its start (launch_zeroed_heap_bytes): all that
    // is taken before the copies of modules.
    explicit Arena(std::span<std::byte> memory) : rest_{memory} {}

    // Whole pages, as many as `bytes` needs; the span has exactly `bytes`.
    hv::Result<std::span<std::byte>, OutOfMemory> take(size_t bytes) {
        if (bytes > rest_.size() || hv::align_up(bytes, hv::page_size) > rest_.size()) {
            return hv::Err{OutOfMemory{}};
        }
        const auto taken = rest_.first(bytes);
        rest_ = rest_.subspan(hv::align_up(bytes, hv::page_size));
        return taken;
    }

  private:
    std::span<std::byte> rest_;
};

}  // namespace builder
