// SPDX-License-Identifier: Apache-2.0
#include "launch-config/model/scalars.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include <openssl/evp.h>

namespace launch::model {
namespace {

// 5b2f1c3e-6d0a-4a55-9c0e-1f7a8f6f2d31, random, ours for good: changing it changes every
// derived UUID.
constexpr std::array<uint8_t, 16> name_space{0x5b, 0x2f, 0x1c, 0x3e, 0x6d, 0x0a, 0x4a, 0x55,
                                             0x9c, 0x0e, 0x1f, 0x7a, 0x8f, 0x6f, 0x2d, 0x31};

int hex_value(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

template <size_t N>
std::optional<std::array<std::byte, N>> parse_hex(std::string_view digits) {
    std::array<std::byte, N> bytes{};
    if (digits.size() != 2 * N) {
        return std::nullopt;
    }
    for (size_t i = 0; i < N; ++i) {
        const int high = hex_value(digits[2 * i]);
        const int low = hex_value(digits[2 * i + 1]);
        if (high < 0 || low < 0) {
            return std::nullopt;
        }
        bytes[i] = static_cast<std::byte>(high * 16 + low);
    }
    return bytes;
}

std::string format_hex(std::span<const std::byte> bytes) {
    std::string text;
    for (const std::byte b : bytes) {
        text += "0123456789abcdef"[static_cast<unsigned>(b) >> 4];
        text += "0123456789abcdef"[static_cast<unsigned>(b) & 15];
    }
    return text;
}

std::array<std::byte, 64> digest_of(std::span<const std::byte> bytes, const EVP_MD* kind) {
    std::array<unsigned char, 64> digest{};
    unsigned int size = 0;
    EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, kind, nullptr);
    std::array<std::byte, 64> out{};
    std::transform(digest.begin(), digest.end(), out.begin(),
                   [](unsigned char c) { return std::byte{c}; });
    return out;
}

size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), size_t{0});
    for (size_t i = 0; i < a.size(); ++i) {
        size_t diagonal = row[0]++;
        for (size_t j = 0; j < b.size(); ++j) {
            const size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
        }
    }
    return row.back();
}

}  // namespace

std::optional<uint64_t> parse_size(std::string_view text) {
    uint64_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc{}) {
        return std::nullopt;
    }
    std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
    const size_t power = unit.empty() ? 4 : std::string_view{"KMGT"}.find(unit.front());
    if (power > 3 || (unit.size() > 1 && unit.substr(1) != "iB")) {
        return std::nullopt;
    }
    const unsigned shift = 10 * (static_cast<unsigned>(power) + 1);
    return count > (UINT64_MAX >> shift) ? std::nullopt : std::optional{count << shift};
}

std::string format_size(uint64_t bytes) {
    size_t unit = 0;
    while (unit < 4 && bytes != 0 && bytes % 1024 == 0) {
        bytes /= 1024;
        ++unit;
    }
    return std::to_string(bytes) + (unit == 0 ? "" : std::string(1, "KMGT"[unit - 1]));
}

std::optional<uint64_t> parse_duration(std::string_view text) {
    constexpr std::array<std::pair<std::string_view, uint64_t>, 3> units{
        {{"ms", 1}, {"s", 1000}, {"m", 60'000}}};
    uint64_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc{}) {
        return std::nullopt;
    }
    const std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
    for (const auto& [name, factor] : units) {
        if (unit == name && count <= std::numeric_limits<uint64_t>::max() / factor) {
            return count * factor;
        }
    }
    return std::nullopt;
}

std::optional<Uuid> parse_uuid(std::string_view text) {
    if (text.size() != 36) {
        return std::nullopt;
    }
    std::string digits;
    for (size_t i = 0; i < text.size(); ++i) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash != (text[i] == '-')) {
            return std::nullopt;
        }
        digits += dash ? "" : std::string(1, text[i]);
    }
    return parse_hex<16>(digits);
}

std::string format_uuid(const Uuid& uuid) {
    std::string text = format_hex(uuid);
    for (const size_t at : {8U, 13U, 18U, 23U}) {
        text.insert(at, 1, '-');
    }
    return text;
}

Uuid derive_uuid(std::string_view name) {
    std::vector<std::byte> input;
    input.reserve(name_space.size() + name.size());
    for (const uint8_t b : name_space) {
        input.push_back(std::byte{b});
    }
    for (const char c : name) {
        input.push_back(static_cast<std::byte>(c));
    }
    const auto digest = digest_of(input, EVP_sha1());
    Uuid uuid{};
    std::copy_n(digest.begin(), uuid.size(), uuid.begin());
    uuid[6] = (uuid[6] & std::byte{0x0f}) | std::byte{0x50};
    uuid[8] = (uuid[8] & std::byte{0x3f}) | std::byte{0x80};
    return uuid;
}

std::optional<Mac> parse_mac(std::string_view text) {
    Mac mac{};
    if (text.size() != 3 * mac.size() - 1) {
        return std::nullopt;
    }
    for (size_t i = 0; i < mac.size(); ++i) {
        const auto byte = parse_hex<1>(text.substr(3 * i, 2));
        if (!byte || (i != 0 && text[3 * i - 1] != ':')) {
            return std::nullopt;
        }
        mac[i] = (*byte)[0];
    }
    return mac;
}

std::string format_mac(const Mac& mac) {
    std::string text = format_hex(mac);
    for (const size_t at : {2U, 5U, 8U, 11U, 14U}) {
        text.insert(at, 1, ':');
    }
    return text;
}

Mac derive_mac(const Uuid& uuid, size_t number) {
    std::vector<std::byte> input{uuid.begin(), uuid.end()};
    input.push_back(static_cast<std::byte>(number));
    const auto digest = digest_of(input, EVP_sha256());
    return {std::byte{0x00}, std::byte{0x16}, std::byte{0x3e}, digest[0] & std::byte{0x7f},
            digest[1],       digest[2]};
}

std::optional<std::array<std::byte, 32>> parse_sha256(std::string_view text) {
    constexpr std::string_view prefix = "sha256:";
    return parse_hex<32>(text.starts_with(prefix) ? text.substr(prefix.size()) : text);
}

std::array<std::byte, 32> sha256_of(std::span<const std::byte> bytes) {
    const auto digest = digest_of(bytes, EVP_sha256());
    std::array<std::byte, 32> sha256{};
    std::copy_n(digest.begin(), sha256.size(), sha256.begin());
    return sha256;
}

std::string format_sha256(const std::array<std::byte, 32>& digest) {
    return format_hex(digest);
}

std::optional<std::string_view> nearest(std::string_view word,
                                        std::span<const std::string_view> candidates) {
    std::optional<std::string_view> best;
    size_t best_distance = std::max<size_t>(2, word.size() / 3) + 1;
    for (const std::string_view candidate : candidates) {
        const size_t distance = edit_distance(word, candidate);
        if (distance < best_distance && distance < candidate.size()) {
            best = candidate;
            best_distance = distance;
        }
    }
    return best;
}

}  // namespace launch::model
