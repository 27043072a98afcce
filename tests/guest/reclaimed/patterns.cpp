// SPDX-License-Identifier: Apache-2.0
#include "tests/guest/reclaimed/patterns.hpp"

#include <algorithm>
#include <cstring>

namespace guest {

namespace {

uint64_t word_at(std::span<const std::byte> bytes, size_t offset) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data() + offset, sizeof(word));
    return word;
}

// The slot of the pattern that begins with this word.
size_t slot_of(uint64_t word) {
    constexpr uint64_t spread = 0x9e3779b97f4a7c15;
    return (word * spread) >> 49;
}

}  // namespace

bool is_zero(std::span<const std::byte> page) {
    uint64_t all = 0;
    for (size_t at = 0; at + sizeof(all) <= page.size(); at += sizeof(all)) {
        all |= word_at(page, at);
    }
    return all == 0;
}

bool Patterns::read(std::span<const std::byte> list) {
    list_ = list;
    if (count() == 0 || list.size() % pattern_bytes != 0 || count() > slots / 2) {
        return false;
    }
    for (size_t n = 0; n < count(); ++n) {
        if (find_in(at(n))) {
            return false;
        }
        size_t slot = slot_of(word_at(at(n), 0));
        while (table_[slot] != 0) {
            slot = (slot + 1) % slots;
        }
        table_[slot] = static_cast<uint16_t>(n + 1);
    }
    return true;
}

std::optional<size_t> Patterns::find_in(std::span<const std::byte> bytes) const {
    for (size_t from = 0; from + pattern_bytes <= bytes.size(); ++from) {
        for (size_t slot = slot_of(word_at(bytes, from)); table_[slot] != 0;
             slot = (slot + 1) % slots) {
            const size_t n = table_[slot] - size_t{1};
            if (std::equal(at(n).begin(), at(n).end(),
                           bytes.begin() + static_cast<ptrdiff_t>(from))) {
                return n;
            }
        }
    }
    return std::nullopt;
}

}  // namespace guest
