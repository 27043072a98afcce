// SPDX-License-Identifier: Apache-2.0
// Hash algorithms, digests, and the digests of one thing in several PCR banks. Used wherever
// something is measured, predicted or checked; the block functions come from measure/sha.
#pragma once

#include "hv/base/assert.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace measure {

// The value is the bit number in BankSet and in hv::abi::LaunchInfo::banks.
enum class Algorithm : uint8_t { Sha1, Sha256, Sha384, Sha512 };

inline constexpr std::array all_algorithms{Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha384,
                                           Algorithm::Sha512};
inline constexpr size_t max_digest_bytes = 64;

constexpr size_t digest_bytes(Algorithm a) {
    constexpr std::array<size_t, 4> sizes{20, 32, 48, 64};
    return sizes[static_cast<size_t>(a)];
}
// TPM_ALG_ID of [tpm2-p2] 6.3.
constexpr uint16_t tcg_id(Algorithm a) {
    constexpr std::array<uint16_t, 4> ids{0x0004, 0x000b, 0x000c, 0x000d};
    return ids[static_cast<size_t>(a)];
}
constexpr std::optional<Algorithm> from_tcg_id(uint16_t id) {
    for (const Algorithm a : all_algorithms) {
        if (tcg_id(a) == id) {
            return a;
        }
    }
    return std::nullopt;
}
constexpr std::string_view to_name(Algorithm a) {
    constexpr std::array<std::string_view, 4> names{"sha1", "sha256", "sha384", "sha512"};
    return names[static_cast<size_t>(a)];
}
constexpr std::optional<Algorithm> from_name(std::string_view name) {
    for (const Algorithm a : all_algorithms) {
        if (to_name(a) == name) {
            return a;
        }
    }
    return std::nullopt;
}

// A set of PCR banks.
class BankSet {
  public:
    constexpr BankSet() = default;
    // Unknown bits are dropped.
    constexpr explicit BankSet(uint32_t bits) : bits_{bits & 0xf} {}

    constexpr void add(Algorithm a) { bits_ |= 1U << static_cast<unsigned>(a); }
    [[nodiscard]] constexpr bool has(Algorithm a) const {
        return ((bits_ >> static_cast<unsigned>(a)) & 1) != 0;
    }
    [[nodiscard]] constexpr uint32_t bits() const { return bits_; }
    [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }
    [[nodiscard]] constexpr size_t count() const {
        size_t n = 0;
        for (uint32_t rest = bits_; rest != 0; rest &= rest - 1) {
            ++n;
        }
        return n;
    }
    friend constexpr bool operator==(BankSet, BankSet) = default;

  private:
    uint32_t bits_ = 0;
};

inline constexpr BankSet all_banks{0xf};

// The digests of the same bytes in each bank of a set.
class DigestSet {
  public:
    constexpr DigestSet() = default;

    [[nodiscard]] constexpr BankSet banks() const { return banks_; }
    // Only for a bank that is present.
    [[nodiscard]] std::span<const std::byte> get(Algorithm a) const {
        ASSERT(banks_.has(a));
        return std::span{values_[static_cast<size_t>(a)]}.first(digest_bytes(a));
    }
    // `digest` has exactly digest_bytes(a) bytes.
    void set(Algorithm a, std::span<const std::byte> digest) {
        ASSERT(digest.size() == digest_bytes(a));
        for (size_t i = 0; i < digest.size(); ++i) {
            values_[static_cast<size_t>(a)][i] = digest[i];
        }
        banks_.add(a);
    }
    // The same set without the banks that are not in `wanted`.
    [[nodiscard]] DigestSet only(BankSet wanted) const;

    friend bool operator==(const DigestSet&, const DigestSet&) = default;

  private:
    BankSet banks_;
    std::array<std::array<std::byte, max_digest_bytes>, all_algorithms.size()> values_{};
};

// Hashes a stream of bytes in several banks at once.
class Hasher {
  public:
    explicit Hasher(BankSet banks);
    void update(std::span<const std::byte> bytes);
    // Call once; the hasher is used up afterwards.
    [[nodiscard]] DigestSet finish();

  private:
    static constexpr size_t block_bytes = 128;  // of SHA-512, two of the others

    void blocks(const std::byte* data, size_t count);
    void finish_one(Algorithm a, DigestSet& out);

    BankSet banks_;
    uint64_t total_bytes_ = 0;
    std::array<uint32_t, 5> sha1_;
    std::array<uint32_t, 8> sha256_;
    std::array<uint64_t, 8> sha384_;
    std::array<uint64_t, 8> sha512_;
    std::array<std::byte, block_bytes> pending_{};
};

[[nodiscard]] DigestSet hash(BankSet banks, std::span<const std::byte> bytes);
[[nodiscard]] DigestSet hash(BankSet banks, std::string_view text);

// PCR extension in software: H(old || digest) in every bank of `digest`.
[[nodiscard]] DigestSet extend(const DigestSet& old, const DigestSet& digest);

}  // namespace measure
