// SPDX-License-Identifier: Apache-2.0
// StaticString: a short text that is copied as a value, such as a name inside an error. What does
// not fit is cut: for text that people read, not for keys.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace hv {

template <size_t Capacity>
class StaticString {
  public:
    constexpr StaticString() = default;
    constexpr StaticString(std::string_view s) { append(s); }
    constexpr StaticString& append(std::string_view s) {
        const size_t taken = std::min(s.size(), Capacity - size_);
        std::copy_n(s.begin(), taken, chars_.begin() + static_cast<ptrdiff_t>(size_));
        size_ += taken;
        return *this;
    }
    [[nodiscard]] constexpr std::string_view view() const { return {chars_.data(), size_}; }

  private:
    std::array<char, Capacity> chars_{};
    size_t size_ = 0;
};

}  // namespace hv
