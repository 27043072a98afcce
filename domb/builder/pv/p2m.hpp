// SPDX-License-Identifier: Apache-2.0
// Which machine frame stands behind each pfn of a PV domain, and the other way round. A PV machine
// frame is a guest frame of the domain's container ([ours] hv/abi/pv_layout.hpp). Computed, not
// stored: both directions take a few instructions, whatever the domain's size.
#pragma once

#include "hv/base/address.hpp"
#include "launch-config/binding/launch_graph.hpp"

#include <cstdint>
#include <optional>

namespace builder::pv {

using Pfn = hv::Number<struct PfnTag>;  // pseudo-physical frame: 0 up to the domain's pages

// A permutation of 0 to count - 1 that leaves nothing in its place and no two neighbours together.
// It depends on `count` alone, so the same plan gives the same domain.
class Permutation {
  public:
    static constexpr uint64_t smallest_count = 16;

    // `count` from smallest_count to 2^32.
    explicit Permutation(uint64_t count);
    [[nodiscard]] uint64_t to(uint64_t n) const;
    [[nodiscard]] uint64_t from(uint64_t n) const;

  private:
    uint64_t count_;
    uint64_t even_;  // count_, or one less
    uint64_t factor_;
    uint64_t inverse_;
    uint64_t offset_;
};

class P2m {
  public:
    // The pages that hv gives the domain besides its RAM, and the pfns they stand at.
    struct SpecialPages {
        Pfn xenstore;
        Pfn console;
    };

    // `pages` as Permutation takes it.
    P2m(uint64_t pages, launch::P2mOrder order, SpecialPages special);

    [[nodiscard]] uint64_t pages() const { return pages_; }
    [[nodiscard]] hv::Gfn frame(Pfn pfn) const;
    // Nothing for frames that no pfn stands for: holes, and the RAM that special pages displace.
    [[nodiscard]] std::optional<Pfn> pfn(hv::Gfn frame) const;
    // Beyond the last machine frame of the RAM.
    [[nodiscard]] hv::Gfn ram_end() const;

  private:
    uint64_t pages_;
    launch::P2mOrder order_;
    SpecialPages special_;
    Permutation permutation_;
};

}  // namespace builder::pv
