// SPDX-License-Identifier: Apache-2.0
#include "launch-config/binding/devices.hpp"

#include <algorithm>

namespace launch {
namespace {

constexpr uint32_t xvd_major = 202;
constexpr uint32_t first_extended_disk = 16;  // the old scheme has 4 bits each
constexpr uint32_t partitions = 16;
constexpr uint32_t extended_partitions = 256;

constexpr bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}

constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// The digits of a partition's number; none is 0, the whole disk.
std::optional<uint32_t> partition_of(std::string_view digits) {
    uint32_t number = 0;
    if (digits.size() > 3 || digits.starts_with('0') ||
        !std::all_of(digits.begin(), digits.end(), is_digit)) {
        return std::nullopt;
    }
    for (const char c : digits) {
        number = number * 10 + static_cast<uint32_t>(c - '0');
    }
    return number;
}

}  // namespace

std::optional<uint32_t> virtual_device(std::string_view vdev) {
    constexpr std::string_view prefix = "xvd";
    if (!vdev.starts_with(prefix)) {
        return std::nullopt;
    }
    vdev.remove_prefix(prefix.size());
    uint32_t ordinal = 0;  // a is 1, z is 26, aa is 27
    size_t letters = 0;
    while (letters < vdev.size() && letters < 3 && is_lower(vdev[letters])) {
        ordinal = ordinal * 26 + static_cast<uint32_t>(vdev[letters++] - 'a' + 1);
    }
    vdev.remove_prefix(letters);
    const auto partition = partition_of(vdev);
    if (letters == 0 || letters > 2 || !partition || *partition >= extended_partitions) {
        return std::nullopt;
    }
    const uint32_t disk = ordinal - 1;
    return disk < first_extended_disk && *partition < partitions
               ? xvd_major << 8 | disk << 4 | *partition
               : 1U << 28 | disk << 8 | *partition;
}

bool is_target(std::string_view s) {
    return !s.empty() && s.size() <= max_target_bytes &&
           std::all_of(s.begin(), s.end(),
                       [](char c) { return c >= 0x20 && c <= 0x7e && c != '\\'; });
}

bool is_bridge(std::string_view s) {
    return !s.empty() && s.size() <= max_bridge_bytes && s != "." && s != ".." &&
           std::all_of(s.begin(), s.end(), [](char c) {
               return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z') || c == '.' ||
                      c == '_' || c == '-';
           });
}

bool is_mac(const Mac& mac) {
    constexpr std::byte group{1};
    return mac != Mac{} && (mac[0] & group) == std::byte{};
}

std::string_view to_string(DiskMode mode) {
    return mode == DiskMode::ReadOnly ? "ro" : "rw";
}

std::string_view to_string(ChannelEnd end) {
    return end == ChannelEnd::Socket ? "socket" : "pty";
}

}  // namespace launch
