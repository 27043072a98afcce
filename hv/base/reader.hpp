// SPDX-License-Identifier: Apache-2.0
// Reader: the bounded cursor through which all bytes from outside are read. Every read checks what
// is left; a failed read changes nothing. Writer: its mirror over a caller's buffer.
#pragma once

#include "hv/base/endian.hpp"
#include "hv/base/result.hpp"

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

namespace hv {

// What the caller should do: reject the input (Truncated) or give a larger buffer (NoSpace).
enum class CursorError : uint8_t { Truncated, NoSpace };

class Reader {
  public:
    constexpr explicit Reader(std::span<const std::byte> bytes) : rest_{bytes} {}

    [[nodiscard]] constexpr size_t left() const { return rest_.size(); }
    [[nodiscard]] constexpr bool at_end() const { return rest_.empty(); }

    Result<std::span<const std::byte>, CursorError> take(size_t n) {
        if (n > rest_.size()) {
            return Err{CursorError::Truncated};
        }
        const auto taken = rest_.first(n);
        rest_ = rest_.subspan(n);
        return taken;
    }
    template <std::unsigned_integral T>
    Result<T, CursorError> read_le() {
        return read<T, std::endian::little>();
    }
    template <std::unsigned_integral T>
    Result<T, CursorError> read_be() {
        return read<T, std::endian::big>();
    }

  private:
    template <std::unsigned_integral T, std::endian Order>
    Result<T, CursorError> read() {
        const auto bytes = TRY(take(sizeof(T)));
        T value = 0;
        for (size_t i = 0; i < sizeof(T); ++i) {
            const size_t at = Order == std::endian::little ? sizeof(T) - 1 - i : i;
            value = static_cast<T>((uint64_t{value} << 8) | static_cast<uint8_t>(bytes[at]));
        }
        return value;
    }
    std::span<const std::byte> rest_;
};

class Writer {
  public:
    constexpr explicit Writer(std::span<std::byte> buffer) : buffer_{buffer} {}

    [[nodiscard]] constexpr size_t written() const { return used_; }
    [[nodiscard]] std::span<const std::byte> bytes() const { return buffer_.first(used_); }

    Result<void, CursorError> put(std::span<const std::byte> bytes) {
        if (bytes.size() > buffer_.size() - used_) {
            return Err{CursorError::NoSpace};
        }
        std::copy(bytes.begin(), bytes.end(), buffer_.begin() + static_cast<ptrdiff_t>(used_));
        used_ += bytes.size();
        return Ok{};
    }
    template <std::unsigned_integral T>
    Result<void, CursorError> put_le(T value) {
        const Le<T> ordered{value};
        return put(std::as_bytes(std::span{&ordered, 1}));
    }
    template <std::unsigned_integral T>
    Result<void, CursorError> put_be(T value) {
        const Be<T> ordered{value};
        return put(std::as_bytes(std::span{&ordered, 1}));
    }

  private:
    std::span<std::byte> buffer_;
    size_t used_ = 0;
};

}  // namespace hv
