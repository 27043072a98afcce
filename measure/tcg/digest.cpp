// SPDX-License-Identifier: Apache-2.0
// [fips180-4]: padding and initial values; the rounds are in measure/sha.
#include "measure/tcg/digest.hpp"

#include "hv/base/endian.hpp"
#include "measure/sha/sha_blocks.hpp"

#include <algorithm>

namespace measure {
namespace {

constexpr std::array<uint32_t, 5> sha1_start{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476,
                                             0xc3d2e1f0};
constexpr std::array<uint32_t, 8> sha256_start{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                               0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
constexpr std::array<uint64_t, 8> sha384_start{
    0xcbbb9d5dc1059ed8, 0x629a292a367cd507, 0x9159015a3070dd17, 0x152fecd8f70e5939,
    0x67332667ffc00b31, 0x8eb44a8768581511, 0xdb0c2e0d64f98fa7, 0x47b5481dbefa4fa4};
constexpr std::array<uint64_t, 8> sha512_start{
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};

// Bytes hashed in one bank before the next bank looks at them: they stay in the cache meanwhile.
constexpr size_t stride_bytes = 16 * 1024;

// The last blocks of a message: what is pending, the bit 1, zeros, and the length in bits.
struct Tail {
    std::array<std::byte, 256> bytes{};
    size_t size = 0;
};

Tail make_tail(std::span<const std::byte> pending, uint64_t total_bytes, size_t block_bytes) {
    const size_t length_bytes = block_bytes / 8;
    Tail tail;
    std::copy(pending.begin(), pending.end(), tail.bytes.begin());
    tail.bytes[pending.size()] = std::byte{0x80};
    const size_t least = pending.size() + 1 + length_bytes;
    tail.size = (least + block_bytes - 1) / block_bytes * block_bytes;
    const hv::Be<uint64_t> bits{total_bytes * 8};  // the upper half of a 128-bit length stays 0
    const auto encoded = std::as_bytes(std::span{&bits, 1});
    std::copy(encoded.begin(), encoded.end(),
              tail.bytes.begin() + static_cast<ptrdiff_t>(tail.size - encoded.size()));
    return tail;
}

template <class Word, size_t N>
void store_digest(DigestSet& out, Algorithm a, const std::array<Word, N>& state) {
    std::array<std::byte, max_digest_bytes> bytes{};
    for (size_t i = 0; i < N; ++i) {
        const hv::Be<Word> word{state[i]};
        const auto encoded = std::as_bytes(std::span{&word, 1});
        std::copy(encoded.begin(), encoded.end(),
                  bytes.begin() + static_cast<ptrdiff_t>(i * sizeof(Word)));
    }
    out.set(a, std::span{bytes}.first(digest_bytes(a)));
}

}  // namespace

DigestSet DigestSet::only(BankSet wanted) const {
    DigestSet result;
    for (const Algorithm a : all_algorithms) {
        if (banks_.has(a) && wanted.has(a)) {
            result.set(a, get(a));
        }
    }
    return result;
}

Hasher::Hasher(BankSet banks)
    : banks_{banks},
      sha1_{sha1_start},
      sha256_{sha256_start},
      sha384_{sha384_start},
      sha512_{sha512_start} {}

void Hasher::update(std::span<const std::byte> bytes) {
    const size_t pending = total_bytes_ % block_bytes;
    total_bytes_ += bytes.size();
    if (pending != 0) {
        const size_t n = std::min(block_bytes - pending, bytes.size());
        std::copy_n(bytes.begin(), n, pending_.begin() + static_cast<ptrdiff_t>(pending));
        bytes = bytes.subspan(n);
        if (pending + n < block_bytes) {
            return;
        }
        blocks(pending_.data(), 1);
    }
    while (bytes.size() >= block_bytes) {
        const size_t count = std::min(bytes.size(), stride_bytes) / block_bytes;
        blocks(bytes.data(), count);
        bytes = bytes.subspan(count * block_bytes);
    }
    std::copy(bytes.begin(), bytes.end(), pending_.begin());
}

void Hasher::blocks(const std::byte* data, size_t count) {
    if (banks_.has(Algorithm::Sha1)) {
        sha1_block_data_order(sha1_.data(), data, 2 * count);
    }
    if (banks_.has(Algorithm::Sha256)) {
        sha256_block_data_order(sha256_.data(), data, 2 * count);
    }
    if (banks_.has(Algorithm::Sha384)) {
        sha512_block_data_order(sha384_.data(), data, count);
    }
    if (banks_.has(Algorithm::Sha512)) {
        sha512_block_data_order(sha512_.data(), data, count);
    }
}

void Hasher::finish_one(Algorithm a, DigestSet& out) {
    const auto pending = std::span{pending_}.first(total_bytes_ % block_bytes);
    const bool small_blocks = a == Algorithm::Sha1 || a == Algorithm::Sha256;
    const size_t size = small_blocks ? 64 : 128;
    const Tail tail = make_tail(pending, total_bytes_, size);
    const size_t count = tail.size / size;
    switch (a) {
        case Algorithm::Sha1:
            sha1_block_data_order(sha1_.data(), tail.bytes.data(), count);
            store_digest(out, a, sha1_);
            break;
        case Algorithm::Sha256:
            sha256_block_data_order(sha256_.data(), tail.bytes.data(), count);
            store_digest(out, a, sha256_);
            break;
        case Algorithm::Sha384:
            sha512_block_data_order(sha384_.data(), tail.bytes.data(), count);
            store_digest(out, a, sha384_);
            break;
        case Algorithm::Sha512:
            sha512_block_data_order(sha512_.data(), tail.bytes.data(), count);
            store_digest(out, a, sha512_);
            break;
    }
}

DigestSet Hasher::finish() {
    DigestSet result;
    for (const Algorithm a : all_algorithms) {
        if (banks_.has(a)) {
            finish_one(a, result);
        }
    }
    return result;
}

DigestSet hash(BankSet banks, std::span<const std::byte> bytes) {
    Hasher hasher{banks};
    hasher.update(bytes);
    return hasher.finish();
}

DigestSet hash(BankSet banks, std::string_view text) {
    return hash(banks, std::as_bytes(std::span{text.data(), text.size()}));
}

DigestSet extend(const DigestSet& old, const DigestSet& digest) {
    DigestSet result;
    for (const Algorithm a : all_algorithms) {
        if (digest.banks().has(a)) {
            BankSet one;
            one.add(a);
            Hasher hasher{one};
            hasher.update(old.get(a));
            hasher.update(digest.get(a));
            result.set(a, hasher.finish().get(a));
        }
    }
    return result;
}

}  // namespace measure
