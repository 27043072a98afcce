// SPDX-License-Identifier: Apache-2.0
// Searches pages for any of many byte patterns, at every byte offset. Used by the guest
// `reclaimed`.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace guest {

inline constexpr size_t pattern_bytes = 32;

bool is_zero(std::span<const std::byte> page);

class Patterns {
  public:
    constexpr Patterns() = default;

    // A list of different patterns, one behind the other; `list` stays where it is. False if it is
    // empty, too long, or not such a list.
    bool read(std::span<const std::byte> list);
    [[nodiscard]] size_t count() const { return list_.size() / pattern_bytes; }
    [[nodiscard]] std::span<const std::byte> at(size_t n) const {
        return list_.subspan(n * pattern_bytes, pattern_bytes);
    }
    // The first one that is somewhere in these bytes.
    [[nodiscard]] std::optional<size_t> find_in(std::span<const std::byte> bytes) const;

  private:
    static constexpr size_t slots = 1 << 15;  // open addressing, at most half full

    std::span<const std::byte> list_;
    std::array<uint16_t, slots> table_{};  // number of a pattern plus one, by its first bytes
};

}  // namespace guest
