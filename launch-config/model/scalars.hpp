// SPDX-License-Identifier: Apache-2.0
// The small languages inside manifest strings: sizes, UUIDs, digests; and the guess behind
// "did you mean".
#pragma once

#include "launch-config/binding/devices.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace launch::model {

// "256M", "1G", "4096K" (also "256MiB"): a whole number of binary units. Bytes without a unit are
// refused, because nobody can tell whether 256 was meant as bytes.
std::optional<uint64_t> parse_size(std::string_view text);
// The shortest exact form: "256M", "1G", "4K", "17" for bytes.
std::string format_size(uint64_t bytes);

// "250ms", "60s", "2m", in milliseconds: a whole number of one unit.
std::optional<uint64_t> parse_duration(std::string_view text);

using Uuid = std::array<std::byte, 16>;
std::optional<Uuid> parse_uuid(std::string_view text);
std::string format_uuid(const Uuid& uuid);
// Version 5 of RFC 4122 in our own name space: the same name always gives the same UUID.
Uuid derive_uuid(std::string_view name);

// "00:16:3e:12:34:56", in either case.
std::optional<Mac> parse_mac(std::string_view text);
std::string format_mac(const Mac& mac);
// With Xen's prefix 00:16:3e; the rest from a digest of the UUID and the number of the interface.
Mac derive_mac(const Uuid& uuid, size_t number);

// 64 hex digits, with or without "sha256:" before them.
std::optional<std::array<std::byte, 32>> parse_sha256(std::string_view text);
std::array<std::byte, 32> sha256_of(std::span<const std::byte> bytes);
std::string format_sha256(const std::array<std::byte, 32>& digest);

// The candidate that `word` was probably meant to be, if one is near enough.
std::optional<std::string_view> nearest(std::string_view word,
                                        std::span<const std::string_view> candidates);

}  // namespace launch::model
