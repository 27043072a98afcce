// SPDX-License-Identifier: Apache-2.0
// Memory: a PV domain's RAM by pseudo-physical address, whatever frames stand behind it.
#pragma once

#include "domb/builder/hypervisor.hpp"
#include "domb/builder/pv/p2m.hpp"

#include <array>

namespace builder::pv {

using Page = std::array<uint64_t, hv::page_size / sizeof(uint64_t)>;

class Memory {
  public:
    Memory(Hypervisor& hypervisor, hv::DomainId domain, const P2m& p2m)
        : hypervisor_{hypervisor}, domain_{domain}, p2m_{p2m} {}

    Done write(uint64_t at, std::span<const std::byte> bytes);
    Done zero(uint64_t at, uint64_t bytes);

  private:
    static constexpr size_t most_frames = 512;  // one hypercall for 2 MiB
    // The frames of as much as fits of [at, at + bytes), and how much that is.
    struct Piece {
        std::span<const hv::Gfn> frames;
        uint64_t bytes;
    };
    Piece piece(uint64_t at, uint64_t bytes);

    Hypervisor& hypervisor_;
    hv::DomainId domain_;
    const P2m& p2m_;
    std::array<hv::Gfn, most_frames> frames_{};
};

// Composes `count` pages one by one in `scratch` and sends as many as fit there at a time:
// send(number of the first, bytes). make(number) is a Page.
template <class Make, class Send>
Done send_pages(std::span<std::byte> scratch, uint64_t count, Make make, Send send) {
    const uint64_t at_once = scratch.size() / hv::page_size;
    for (uint64_t first = 0; first < count; first += at_once) {
        const uint64_t n = count - first < at_once ? count - first : at_once;
        for (uint64_t i = 0; i < n; ++i) {
            const Page page = make(first + i);
            __builtin_memcpy(scratch.data() + i * hv::page_size, page.data(), hv::page_size);
        }
        TRY(send(first, std::span<const std::byte>{scratch}.first(n * hv::page_size)));
    }
    return hv::Ok{};
}

}  // namespace builder::pv
