// SPDX-License-Identifier: Apache-2.0
// ByteQueue: bytes that wait between an interrupt and whoever reads them. Bounded; no lock of its
// own.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

namespace hv::dev {

template <size_t Capacity>
class ByteQueue {
  public:
    [[nodiscard]] constexpr bool empty() const { return used_ == 0; }
    [[nodiscard]] constexpr bool full() const { return used_ == Capacity; }

    [[nodiscard]] constexpr size_t room() const { return Capacity - used_; }

    // Only if !full().
    constexpr void push(char c) {
        bytes_[(first_ + used_) % Capacity] = c;
        ++used_;
    }
    // Only if there is room for all of them.
    constexpr void push(std::span<const char> all) {
        for (const char c : all) {
            push(c);
        }
    }
    // The oldest bytes, as many as fit; how many that were.
    constexpr size_t pop(std::span<char> to) {
        const size_t count = std::min(to.size(), used_);
        for (size_t i = 0; i < count; ++i) {
            to[i] = bytes_[(first_ + i) % Capacity];
        }
        first_ = (first_ + count) % Capacity;
        used_ -= count;
        return count;
    }

  private:
    std::array<char, Capacity> bytes_{};
    size_t first_ = 0;
    size_t used_ = 0;
};

}  // namespace hv::dev
