// SPDX-License-Identifier: Apache-2.0
// Strong types for the address spaces and identifiers of the glossary in ARCHITECTURE.md.
// No conversion between two of them is implicit; the named functions below are the only ones.
#pragma once

#include <compare>
#include <cstdint>

namespace hv {

inline constexpr uint64_t page_shift = 12;
inline constexpr uint64_t page_size = uint64_t{1} << page_shift;  // bytes

// A number of one kind: frames, addresses. Sum with a count, difference in counts.
template <class Tag, class Raw = uint64_t>
class Number {
  public:
    constexpr Number() = default;
    constexpr explicit Number(Raw n) : n_{n} {}
    [[nodiscard]] constexpr Raw value() const { return n_; }
    friend constexpr Number operator+(Number a, Raw k) {
        return Number{static_cast<Raw>(a.n_ + k)};
    }
    friend constexpr Raw operator-(Number a, Number b) { return static_cast<Raw>(a.n_ - b.n_); }
    friend constexpr auto operator<=>(Number, Number) = default;

  private:
    Raw n_{};
};

using Mfn = Number<struct MfnTag>;            // machine frame number
using Gfn = Number<struct GfnTag>;            // guest frame number
using Paddr = Number<struct PaddrTag>;        // machine physical byte address
using GuestPaddr = Number<struct GpaddrTag>;  // guest physical byte address
using GuestVaddr = Number<struct GvaddrTag>;  // guest virtual byte address

using DomainId = Number<struct DomainIdTag, uint16_t>;
using VcpuId = Number<struct VcpuIdTag, uint32_t>;
using CpuId =
    Number<struct CpuIdTag, uint32_t>;  // dense index of a physical CPU, 0 is the boot CPU
using EvtchnPort = Number<struct EvtchnPortTag, uint32_t>;
using GrantRef = Number<struct GrantRefTag, uint32_t>;
using PcrIndex = Number<struct PcrIndexTag, uint32_t>;

constexpr Mfn to_mfn(Paddr a) {
    return Mfn{a.value() >> page_shift};
}
constexpr Gfn to_gfn(GuestPaddr a) {
    return Gfn{a.value() >> page_shift};
}
constexpr Paddr to_paddr(Mfn f) {
    return Paddr{f.value() << page_shift};
}
constexpr GuestPaddr to_gpaddr(Gfn f) {
    return GuestPaddr{f.value() << page_shift};
}
constexpr uint64_t page_offset(uint64_t address) {
    return address & (page_size - 1);
}

// Of a virtual address with four levels of tables, [apm2] 1.1.3.
constexpr bool is_canonical(uint64_t address) {
    const auto top = static_cast<int64_t>(address) >> 47;
    return top == 0 || top == -1;
}

constexpr uint64_t align_up(uint64_t n, uint64_t alignment) {
    return (n + alignment - 1) & ~(alignment - 1);
}
constexpr uint64_t align_down(uint64_t n, uint64_t alignment) {
    return n & ~(alignment - 1);
}

}  // namespace hv
