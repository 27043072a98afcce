// SPDX-License-Identifier: Apache-2.0
// Hash: to find and to compare names and paths quickly. Clients choose these, so the hash has a key
// that they do not know: who cannot foresee it cannot gather names in one bucket of a table. It is
// SipHash-1-3 (Aumasson, Bernstein: SipHash, a fast short-input PRF), of which 32 bits are kept.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace xenstore {

struct HashKey {
    uint64_t low = 0;
    uint64_t high = 0;
};

class Hash {
  public:
    explicit Hash(const HashKey& key)
        : a_{key.low ^ 0x736f6d6570736575},
          b_{key.high ^ 0x646f72616e646f6d},
          c_{key.low ^ 0x6c7967656e657261},
          d_{key.high ^ 0x7465646279746573} {}

    void add(std::string_view text) {
        while (!text.empty()) {
            const size_t held = size_ % 8;
            const size_t here = std::min(8 - held, text.size());
            uint64_t piece = 0;
            memcpy(&piece, text.data(), here);
            word_ |= piece << (8 * held);
            size_ += here;
            if (held + here == 8) {
                take(word_);
                word_ = 0;
            }
            text.remove_prefix(here);
        }
    }
    // Of all that was added; more may follow.
    [[nodiscard]] uint32_t value() const {
        Hash end = *this;
        end.take(word_ | size_ << 56);
        end.c_ ^= 0xff;
        for (int i = 0; i < 3; ++i) {
            end.round();
        }
        return static_cast<uint32_t>(end.a_ ^ end.b_ ^ end.c_ ^ end.d_);
    }

  private:
    void take(uint64_t word) {
        d_ ^= word;
        round();
        a_ ^= word;
    }
    void round() {
        a_ += b_;
        c_ += d_;
        b_ = std::rotl(b_, 13) ^ a_;
        d_ = std::rotl(d_, 16) ^ c_;
        a_ = std::rotl(a_, 32) + d_;
        c_ += b_;
        d_ = std::rotl(d_, 21) ^ a_;
        b_ = std::rotl(b_, 17) ^ c_;
        c_ = std::rotl(c_, 32);
    }

    uint64_t a_, b_, c_, d_;
    uint64_t word_ = 0;  // bytes that have not been taken
    uint64_t size_ = 0;
};

inline uint32_t hash_of(const HashKey& key, std::string_view text) {
    Hash hash{key};
    hash.add(text);
    return hash.value();
}

}  // namespace xenstore
