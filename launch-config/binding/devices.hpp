// SPDX-License-Identifier: Apache-2.0
// The PV devices of a domain: what its front ends find in Xenstore, and who serves them. Part of
// the launch graph, so of the measured configuration. Beside that hv looks how many grants the back
// end needs for them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace launch {

// Of one domain.
inline constexpr size_t max_disks = 8;
inline constexpr size_t max_nets = 4;
inline constexpr size_t max_channels = 4;

inline constexpr size_t max_target_bytes = 127;
inline constexpr size_t max_bridge_bytes = 15;  // IFNAMSIZ of Linux, less the NUL

enum class DiskMode : uint8_t { ReadWrite, ReadOnly };

struct Disk {
    std::string_view vdev;     // name in the domain: "xvda"
    std::string_view backend;  // name of the domain that serves it
    std::string_view target;   // what is served: a path in the back end
    DiskMode mode = DiskMode::ReadWrite;
};

using Mac = std::array<std::byte, 6>;

struct Net {
    std::string_view backend;
    std::string_view bridge;  // of the back end, which the interface there joins
    Mac mac{};
};

// Where a channel comes out at its back end.
enum class ChannelEnd : uint8_t { Pty, Socket };

// A console beside the first one, known by its name.
struct Channel {
    std::string_view name;
    std::string_view backend;
    ChannelEnd end = ChannelEnd::Pty;
};

// The number of a disk by its name, xvda to xvdzz with or without a partition, as front ends have
// it ([xen-pub] io/blkif.h); nothing if that is no such name.
std::optional<uint32_t> virtual_device(std::string_view vdev);
bool is_target(std::string_view s);  // printable ASCII but the backslash
bool is_bridge(std::string_view s);  // an interface's name in Linux, of A-Z a-z 0-9 . _ -
bool is_mac(const Mac& mac);         // of one card: neither all zeros nor a group's

std::string_view to_string(DiskMode mode);
std::string_view to_string(ChannelEnd end);

}  // namespace launch
