// SPDX-License-Identifier: Apache-2.0
// StaticVector: a sequence whose capacity is part of its type. No allocation.
#pragma once

#include "hv/base/assert.hpp"
#include "hv/base/result.hpp"

#include <array>
#include <cstddef>

namespace hv {

struct CapacityError {};

template <class T, size_t Capacity>
class StaticVector {
  public:
    [[nodiscard]] constexpr size_t size() const { return size_; }
    [[nodiscard]] constexpr bool empty() const { return size_ == 0; }
    [[nodiscard]] static constexpr size_t capacity() { return Capacity; }
    [[nodiscard]] constexpr bool full() const { return size_ == Capacity; }

    constexpr Result<void, CapacityError> push(T value) {
        if (full()) {
            return Err{CapacityError{}};
        }
        items_[size_++] = std::move(value);
        return Ok{};
    }
    constexpr void clear() { size_ = 0; }
    constexpr void pop() {
        ASSERT(size_ > 0);
        --size_;
    }
    // Order is not kept: the last item takes the place of the removed one.
    constexpr void remove_unordered(size_t at) {
        ASSERT(at < size_);
        items_[at] = std::move(items_[size_ - 1]);
        --size_;
    }

    constexpr T& operator[](size_t at) {
        ASSERT(at < size_);
        return items_[at];
    }
    constexpr const T& operator[](size_t at) const {
        ASSERT(at < size_);
        return items_[at];
    }
    constexpr T* begin() { return items_.data(); }
    constexpr T* end() { return items_.data() + size_; }
    constexpr const T* begin() const { return items_.data(); }
    constexpr const T* end() const { return items_.data() + size_; }
    constexpr T& back() { return (*this)[size_ - 1]; }

  private:
    std::array<T, Capacity> items_{};
    size_t size_ = 0;
};

}  // namespace hv
