// SPDX-License-Identifier: Apache-2.0
// Integers whose byte order is part of their type, for wire formats. Alignment 1.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>

namespace hv {

template <std::unsigned_integral T, std::endian Order>
class Ordered {
  public:
    constexpr Ordered() = default;
    constexpr Ordered(T value) { store(value); }
    constexpr void store(T value) {
        for (size_t i = 0; i < sizeof(T); ++i) {
            bytes_[index(i)] = static_cast<std::byte>((value >> (8 * i)) & 0xff);
        }
    }
    [[nodiscard]] constexpr T load() const {
        T value = 0;
        for (size_t i = 0; i < sizeof(T); ++i) {
            value = static_cast<T>(value | (static_cast<T>(bytes_[index(i)]) << (8 * i)));
        }
        return value;
    }

  private:
    static constexpr size_t index(size_t i) {
        return Order == std::endian::little ? i : sizeof(T) - 1 - i;
    }
    std::array<std::byte, sizeof(T)> bytes_{};
};

template <std::unsigned_integral T>
using Le = Ordered<T, std::endian::little>;
template <std::unsigned_integral T>
using Be = Ordered<T, std::endian::big>;

static_assert(sizeof(Le<uint32_t>) == 4 && alignof(Le<uint32_t>) == 1);

}  // namespace hv
