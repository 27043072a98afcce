// SPDX-License-Identifier: Apache-2.0
#include "domb/builder/pv/p2m.hpp"

#include "domb/builder/physical_layout.hpp"
#include "hv/abi/pv_layout.hpp"
#include "hv/base/assert.hpp"

#include <utility>

namespace builder::pv {
namespace {

constexpr uint64_t low_pages = layout::low_ram_limit >> hv::page_shift;
constexpr uint64_t first_high = layout::high_ram_start >> hv::page_shift;

uint64_t greatest_common_divisor(uint64_t a, uint64_t b) {
    while (b != 0) {
        a = std::exchange(b, a % b);
    }
    return a;
}

// x with a * x = 1 modulo n, for an `a` that has no divisor in common with n: Euclid's extended
// algorithm, modulo n throughout.
uint64_t inverse(uint64_t a, uint64_t n) {
    uint64_t r0 = n;
    uint64_t r1 = a;
    uint64_t x0 = 0;
    uint64_t x1 = 1;
    while (r1 != 0) {
        const uint64_t q = r0 / r1;
        r0 = std::exchange(r1, r0 - q * r1);
        x0 = std::exchange(x1, (x0 + n - q % n * x1 % n) % n);
    }
    return x0;
}

// An odd number without a divisor in common with the even number n, far from 1 and from n: powers
// of two of it spread well over n when it is near the golden section.
uint64_t choose_factor(uint64_t n) {
    uint64_t factor = (n * 5 / 8) | 1;
    while (greatest_common_divisor(factor, n) != 1) {
        factor += 2;
    }
    ASSERT(factor < n - 1);  // true from smallest_count on: tests/unit/domb/pv/p2m_test.cpp
    return factor;
}

// RAM lies below the hole and above it.
hv::Gfn ram_frame(uint64_t index) {
    return hv::Gfn{index < low_pages ? index : index - low_pages + first_high};
}

}  // namespace

// n -> factor * n + offset modulo an even number, with factor and offset odd: n and its image
// differ in parity, so nothing stays in its place, not even when 4 GiB - 3 GiB worth of frames is
// added. Neighbours end up `factor` apart. An odd count's last number changes places with the image
// of 0.
Permutation::Permutation(uint64_t count)
    : count_{count},
      even_{count & ~uint64_t{1}},
      factor_{choose_factor(even_)},
      inverse_{inverse(factor_, even_)},
      offset_{(even_ / 3) | 1} {
    ASSERT(count >= smallest_count && count <= uint64_t{1} << 32);
}

uint64_t Permutation::to(uint64_t n) const {
    ASSERT(n < count_);
    if (count_ != even_ && n == 0) {
        return count_ - 1;
    }
    return (n % even_ * factor_ + offset_) % even_;  // count_ - 1 = even_ takes the place of 0
}

uint64_t Permutation::from(uint64_t n) const {
    ASSERT(n < count_);
    if (n == even_) {
        return 0;
    }
    const uint64_t source = (n + even_ - offset_) % even_ * inverse_ % even_;
    return count_ != even_ && source == 0 ? count_ - 1 : source;
}

P2m::P2m(uint64_t pages, launch::P2mOrder order, SpecialPages special)
    : pages_{pages}, order_{order}, special_{special}, permutation_{pages} {}

hv::Gfn P2m::frame(Pfn pfn) const {
    if (pfn == special_.xenstore) {
        return hv::Gfn{hv::abi::pv_xenstore_gfn};
    }
    if (pfn == special_.console) {
        return hv::Gfn{hv::abi::pv_console_gfn};
    }
    return ram_frame(order_ == launch::P2mOrder::Permuted ? permutation_.to(pfn.value())
                                                          : pfn.value());
}

std::optional<Pfn> P2m::pfn(hv::Gfn frame) const {
    if (frame == hv::Gfn{hv::abi::pv_xenstore_gfn}) {
        return special_.xenstore;
    }
    if (frame == hv::Gfn{hv::abi::pv_console_gfn}) {
        return special_.console;
    }
    const uint64_t n = frame.value();
    const uint64_t index = n < low_pages ? n : n - first_high + low_pages;
    if ((n >= low_pages && n < first_high) || index >= pages_) {
        return std::nullopt;
    }
    const Pfn pfn{order_ == launch::P2mOrder::Permuted ? permutation_.from(index) : index};
    if (pfn == special_.xenstore || pfn == special_.console) {
        return std::nullopt;
    }
    return pfn;
}

hv::Gfn P2m::ram_end() const {
    return ram_frame(pages_ - 1) + 1;
}

}  // namespace builder::pv
