// SPDX-License-Identifier: Apache-2.0
// Register layouts as types: a Field belongs to one layout, a Register is an immutable copy.
#pragma once

#include <cstdint>

namespace hv {

template <class Layout, unsigned Hi, unsigned Lo, class Value = uint64_t>
struct Field {
    static_assert(Hi >= Lo && Hi < 64);
    static constexpr uint64_t mask =
        (Hi - Lo == 63 ? ~uint64_t{0} : ((uint64_t{1} << (Hi - Lo + 1)) - 1)) << Lo;
    static constexpr unsigned shift = Lo;
    using Type = Value;
};

template <class Layout, unsigned N>
using Bit = Field<Layout, N, N, bool>;

template <class Layout>
class Register {
  public:
    using Raw = typename Layout::Raw;
    constexpr Register() = default;
    constexpr explicit Register(Raw raw) : raw_{raw} {}
    [[nodiscard]] constexpr Raw raw() const { return raw_; }

    template <unsigned Hi, unsigned Lo, class V>
    [[nodiscard]] constexpr V get(Field<Layout, Hi, Lo, V>) const {
        return static_cast<V>((raw_ & Field<Layout, Hi, Lo, V>::mask) >> Lo);
    }
    template <unsigned Hi, unsigned Lo, class V>
    [[nodiscard]] constexpr Register with(Field<Layout, Hi, Lo, V>, V value) const {
        using F = Field<Layout, Hi, Lo, V>;
        const uint64_t shifted = (static_cast<uint64_t>(value) << Lo) & F::mask;
        return Register{static_cast<Raw>((raw_ & ~F::mask) | shifted)};
    }

  private:
    Raw raw_{};
};

}  // namespace hv
