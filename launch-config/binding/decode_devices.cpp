// SPDX-License-Identifier: Apache-2.0
#include "launch-config/binding/decode_devices.hpp"

#include "launch-config/binding/names.hpp"

#include <algorithm>
#include <array>

namespace launch {
namespace {

// A string that must be there and have a form.
Decoded<std::string_view> required(const NodeReader& reader, std::string_view property,
                                   bool (*is_well_formed)(std::string_view)) {
    const auto value = TRY(reader.string(property));
    if (!value) {
        return reader.reject(DecodeReason::Missing, property);
    }
    if (!is_well_formed(*value)) {
        return reader.reject(DecodeReason::Malformed, property);
    }
    return *value;
}

// One of two words; absent is the first.
template <class T>
Decoded<T> word(const NodeReader& reader, std::string_view property, std::array<T, 2> words) {
    const auto value = TRY(reader.string(property));
    for (const T candidate : words) {
        if (!value || *value == to_string(candidate)) {
            return candidate;
        }
    }
    return reader.reject(DecodeReason::Malformed, property);
}

template <class T, size_t N>
Decoded<void> add(const NodeReader& reader, hv::StaticVector<T, N>& devices, const T& device) {
    if (!devices.push(device).ok()) {
        return reader.reject(DecodeReason::TooMany);
    }
    return hv::Ok{};
}

Decoded<void> decode_disk(const NodeReader& reader, Domain& domain, DecodeNotes* notes) {
    constexpr std::array<std::string_view, 5> known{"compatible", names::vdev, names::backend,
                                                    names::target, names::disk_mode};
    Disk disk;
    disk.vdev = TRY(required(reader, names::vdev,
                             [](std::string_view s) { return virtual_device(s).has_value(); }));
    disk.backend = TRY(required(reader, names::backend, is_name));
    disk.target = TRY(required(reader, names::target, is_target));
    disk.mode =
        TRY(word<DiskMode>(reader, names::disk_mode, {DiskMode::ReadWrite, DiskMode::ReadOnly}));
    for (const Disk& other : domain.disks) {
        if (other.vdev == disk.vdev) {
            return reader.reject(DecodeReason::Duplicate, names::vdev);
        }
    }
    TRY(add(reader, domain.disks, disk));
    return reader.check_unknown(known, notes);
}

Decoded<Mac> decode_mac(const NodeReader& reader) {
    const auto value = reader.node().property(names::mac);
    if (!value) {
        return reader.reject(DecodeReason::Missing, names::mac);
    }
    Mac mac{};
    if (value->size() != mac.size()) {
        return reader.reject(DecodeReason::Malformed, names::mac);
    }
    std::copy(value->begin(), value->end(), mac.begin());
    if (!is_mac(mac)) {
        return reader.reject(DecodeReason::OutOfRange, names::mac);
    }
    return mac;
}

Decoded<void> decode_net(const NodeReader& reader, Domain& domain, DecodeNotes* notes) {
    constexpr std::array<std::string_view, 4> known{"compatible", names::backend, names::bridge,
                                                    names::mac};
    Net net;
    net.backend = TRY(required(reader, names::backend, is_name));
    net.bridge = TRY(required(reader, names::bridge, is_bridge));
    net.mac = TRY(decode_mac(reader));
    TRY(add(reader, domain.nets, net));
    return reader.check_unknown(known, notes);
}

Decoded<void> decode_channel(const NodeReader& reader, Domain& domain, DecodeNotes* notes) {
    constexpr std::array<std::string_view, 4> known{"compatible", names::name, names::backend,
                                                    names::channel_end};
    Channel channel;
    channel.name = TRY(required(reader, names::name, is_name));
    channel.backend = TRY(required(reader, names::backend, is_name));
    channel.end =
        TRY(word<ChannelEnd>(reader, names::channel_end, {ChannelEnd::Pty, ChannelEnd::Socket}));
    for (const Channel& other : domain.channels) {
        if (other.name == channel.name) {
            return reader.reject(DecodeReason::Duplicate, names::name);
        }
    }
    TRY(add(reader, domain.channels, channel));
    return reader.check_unknown(known, notes);
}

Decoded<void> check_backend(const NodeReader& reader, const LaunchGraph& graph,
                            const Domain& domain, std::string_view backend) {
    if (backend == domain.name) {
        return reader.reject(DecodeReason::Contradiction, names::backend);
    }
    if (std::none_of(graph.domains.begin(), graph.domains.end(),
                     [backend](const Domain& d) { return d.name == backend; })) {
        return reader.reject(DecodeReason::NoSuchDomain, names::backend);
    }
    return hv::Ok{};
}

size_t uses_of(const LaunchGraph& graph, const Mac& mac) {
    size_t uses = 0;
    for (const Domain& domain : graph.domains) {
        for (const Net& net : domain.nets) {
            uses += net.mac == mac ? 1 : 0;
        }
    }
    return uses;
}

}  // namespace

Decoded<bool> decode_device(const NodeReader& reader, Domain& domain, DecodeNotes* notes) {
    if (reader.node().is_compatible(names::disk_compatible)) {
        TRY(decode_disk(reader, domain, notes));
    } else if (reader.node().is_compatible(names::net_compatible)) {
        TRY(decode_net(reader, domain, notes));
    } else if (reader.node().is_compatible(names::channel_compatible)) {
        TRY(decode_channel(reader, domain, notes));
    } else {
        return false;
    }
    return true;
}

Decoded<void> check_devices(const NodeReader& reader, const LaunchGraph& graph,
                            const Domain& domain) {
    const bool has_devices =
        !domain.disks.empty() || !domain.nets.empty() || !domain.channels.empty();
    if (has_devices && std::none_of(graph.domains.begin(), graph.domains.end(),
                                    [](const Domain& d) { return d.roles.has(Role::Xenstore); })) {
        return reader.reject(DecodeReason::Missing, "xenstore");
    }
    for (const Disk& disk : domain.disks) {
        TRY(check_backend(reader, graph, domain, disk.backend));
    }
    for (const Net& net : domain.nets) {
        TRY(check_backend(reader, graph, domain, net.backend));
        if (uses_of(graph, net.mac) > 1) {
            return reader.reject(DecodeReason::Duplicate, names::mac);
        }
    }
    for (const Channel& channel : domain.channels) {
        TRY(check_backend(reader, graph, domain, channel.backend));
    }
    return hv::Ok{};
}

}  // namespace launch
