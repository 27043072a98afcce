// SPDX-License-Identifier: Apache-2.0
#include "launch-config/model/read_devices.hpp"

#include "launch-config/binding/node_reader.hpp"

#include <array>

namespace launch::model {
namespace {

constexpr std::array<std::string_view, 2> modes{"rw", "ro"};
constexpr std::array<std::string_view, 2> connections{"pty", "socket"};
constexpr std::array later_disk_fields{
    LaterField{"format", "no \"format\": disks are raw"},
    LaterField{"script", "no such field in this version"},
};
constexpr std::array later_net_fields{
    LaterField{"script", "no such field in this version"},
    LaterField{"mtu", "no such field in this version"},
    LaterField{"rate", "no such field in this version"},
};

// A string of a form; empty if it is absent, and if it is wrong, which is reported.
At<std::string> read_text(ObjectReader& reader, std::string_view key,
                          bool (*is_well_formed)(std::string_view), std::string_view problem,
                          std::string_view expected) {
    At<std::string> text;
    static_cast<void>(reader.member(key, text.place));
    if (const auto value = reader.string(key, 4096)) {
        if (is_well_formed(*value)) {
            text.value = *value;
        } else {
            reader.diagnostics().add(text.place, quote(*value) + " " + std::string{problem},
                                     "expected " + std::string{expected});
        }
    }
    return text;
}

At<std::string> read_backend(ObjectReader& reader) {
    return read_text(reader, "backend", is_name, "cannot be a domain's name",
                     "the name of the domain that serves the device");
}

DiskSpec read_disk(ObjectReader& reader) {
    DiskSpec disk;
    reader.require("vdev", "what the disk is called in the domain, such as \"xvda\"");
    reader.require("backend", "the name of the domain that serves the disk");
    reader.require("target", "the path of a device or an image in the back end");
    disk.vdev = read_text(
        reader, "vdev", [](std::string_view s) { return virtual_device(s).has_value(); },
        "cannot be a disk's name",
        "\"xvda\" to \"xvdzz\", or a partition 1 to 255 of those, such as \"xvda1\"");
    disk.backend = read_backend(reader);
    disk.target = read_text(reader, "target", is_target, "cannot be a disk's target",
                            "1 to " + std::to_string(max_target_bytes) +
                                " characters of printable ASCII, without a backslash");
    if (const auto word = reader.word("mode", modes)) {
        disk.mode = static_cast<DiskMode>(*word);
    }
    reader.finish(later_disk_fields);
    return disk;
}

NetSpec read_net(ObjectReader& reader) {
    NetSpec net;
    reader.require("backend", "the name of the domain that serves the interface");
    net.backend = read_backend(reader);
    net.bridge = read_text(
        reader, "bridge", is_bridge, "cannot be a bridge's name",
        "1 to " + std::to_string(max_bridge_bytes) + " of the characters A-Z a-z 0-9 . _ -");
    const auto mac = read_text(
        reader, "mac",
        [](std::string_view s) { return parse_mac(s).has_value() && is_mac(*parse_mac(s)); },
        "is not the address of one network card",
        "the form 00:16:3e:12:34:56, not all zeros, the first byte even");
    if (!mac.value.empty()) {
        net.mac = {*parse_mac(mac.value), mac.place};
    }
    reader.finish(later_net_fields);
    return net;
}

ChannelSpec read_channel(ObjectReader& reader) {
    ChannelSpec channel;
    reader.require("name", "a name, by which the domain knows the channel");
    channel.name = read_text(reader, "name", is_name, "cannot be a channel's name",
                             "1 to " + std::to_string(max_name_bytes) +
                                 " of the characters A-Z a-z 0-9 . _ + -, first a letter or digit");
    channel.backend = read_backend(reader);
    if (const auto word = reader.word("connection", connections)) {
        channel.end = static_cast<ChannelEnd>(*word);
    }
    reader.finish();
    return channel;
}

// The items of one field, which remembers its place: not every Xenstore knows such devices.
template <class Spec>
void read_all(ObjectReader& domain, std::string_view key, Spec (*read)(ObjectReader&),
              std::vector<Spec>& out, DomainSpec& spec) {
    Place place;
    if (domain.member(key, place) != nullptr) {
        spec.device_fields.push_back({std::string{key}, place});
    }
    for (const auto& [item, at] : domain.array(key)) {
        ObjectReader reader{*item, at.pointer, domain.diagnostics()};
        Spec device = read(reader);
        device.place = at;
        out.push_back(std::move(device));
    }
}

}  // namespace

void read_devices(ObjectReader& domain, DomainSpec& out) {
    read_all<DiskSpec>(domain, "disks", read_disk, out.disks, out);
    read_all<NetSpec>(domain, "nets", read_net, out.nets, out);
    read_all<ChannelSpec>(domain, "channels", read_channel, out.channels, out);
}

}  // namespace launch::model
