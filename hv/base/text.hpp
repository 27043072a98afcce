// SPDX-License-Identifier: Apache-2.0
// Text: builds a line of text in a fixed buffer. What does not fit is cut, and truncated() says so.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace hv {

class Text {
  public:
    constexpr explicit Text(std::span<char> buffer) : buffer_{buffer} {}

    constexpr Text& put(char c) {
        if (used_ < buffer_.size()) {
            buffer_[used_++] = c;
        } else {
            truncated_ = true;
        }
        return *this;
    }
    constexpr Text& put(std::string_view s) {
        for (const char c : s) {
            put(c);
        }
        return *this;
    }
    constexpr Text& dec(uint64_t n) {
        std::array<char, 20> digits{};
        size_t count = 0;
        do {
            digits[count++] = static_cast<char>('0' + n % 10);
            n /= 10;
        } while (n != 0);
        while (count > 0) {
            put(digits[--count]);
        }
        return *this;
    }
    // Lower case, without "0x", at least `width` digits.
    constexpr Text& hex(uint64_t n, unsigned width = 1) {
        for (int shift = 60; shift >= 0; shift -= 4) {
            if (const auto digit = (n >> shift) & 0xf;
                digit != 0 || width > static_cast<unsigned>(shift) / 4) {
                width = 16;
                put("0123456789abcdef"[digit]);
            }
        }
        return *this;
    }
    constexpr Text& hex(std::span<const std::byte> bytes) {
        for (const std::byte b : bytes) {
            hex(static_cast<uint64_t>(b), 2);
        }
        return *this;
    }

    [[nodiscard]] constexpr std::string_view view() const { return {buffer_.data(), used_}; }
    [[nodiscard]] constexpr bool truncated() const { return truncated_; }

  private:
    std::span<char> buffer_;
    size_t used_ = 0;
    bool truncated_ = false;
};

// A Text with its own buffer.
template <size_t N>
class TextOf : public Text {
  public:
    constexpr TextOf() : Text{std::span<char>{storage_}} {}
    TextOf(const TextOf&) = delete;
    TextOf& operator=(const TextOf&) = delete;

  private:
    std::array<char, N> storage_;
};

}  // namespace hv
