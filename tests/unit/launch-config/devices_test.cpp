// SPDX-License-Identifier: Apache-2.0
// The PV devices of the launch graph: what their words mean, the way through an LCM, and what an
// LCM may not say of them.
#include "launch-config/binding/decode.hpp"
#include "launch-config/model/encode.hpp"
#include "tests/unit/launch-config/refusal.hpp"
#include "tests/unit/launch-config/sample_graph.hpp"

#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <libfdt.h>

namespace launch {
namespace {

using Bytes = std::vector<std::byte>;

int set_string(void* tree, int node, const char* property, const std::string& value) {
    return fdt_setprop(tree, node, property, value.c_str(), static_cast<int>(value.size() + 1));
}

// Room to edit a tree.
Bytes opened(const Bytes& lcm) {
    Bytes room(lcm.size() + 4096);
    EXPECT_EQ(0, fdt_open_into(lcm.data(), room.data(), static_cast<int>(room.size())));
    return room;
}

TEST(Devices, disks_are_numbered_as_front_ends_expect) {
    EXPECT_EQ(virtual_device("xvda"), 51712);
    EXPECT_EQ(virtual_device("xvda1"), 51713);
    EXPECT_EQ(virtual_device("xvda15"), 51727);
    EXPECT_EQ(virtual_device("xvdb"), 51728);
    EXPECT_EQ(virtual_device("xvdp"), 51952);
    EXPECT_EQ(virtual_device("xvda16"), 1 << 28 | 16);
    EXPECT_EQ(virtual_device("xvdq"), 1 << 28 | 16 << 8);
    EXPECT_EQ(virtual_device("xvdaa"), 1 << 28 | 26 << 8);
    EXPECT_EQ(virtual_device("xvdzz255"), 1 << 28 | 701 << 8 | 255);
    for (const char* wrong : {"", "xvd", "xvd1", "xvdA", "xvdaaa", "xvda0", "xvda01", "xvda256",
                              "xvda1x", "xvda-1", "xvda 1", "sda", "hda", "xxvda"}) {
        EXPECT_EQ(virtual_device(wrong), std::nullopt) << wrong;
    }
}

TEST(Devices, targets_bridges_and_addresses_have_a_form) {
    EXPECT_TRUE(is_target("/srv/my image, v2.raw"));
    EXPECT_TRUE(is_target(std::string(max_target_bytes, 'x')));
    EXPECT_FALSE(is_target(std::string(max_target_bytes + 1, 'x')));
    for (const char* wrong : {"", "a\nb", "a\\b", "caf\xc3\xa9", "\x7f"}) {
        EXPECT_FALSE(is_target(wrong)) << wrong;
    }
    EXPECT_TRUE(is_bridge("xenbr0"));
    EXPECT_TRUE(is_bridge("br-lan.100"));
    for (const char* wrong : {"", ".", "..", "a b", "a/b", "a:b", "sixteen-bytes-xx"}) {
        EXPECT_FALSE(is_bridge(wrong)) << wrong;
    }
    EXPECT_TRUE(is_mac({std::byte{0x02}, std::byte{}, std::byte{}, std::byte{}, std::byte{}}));
    EXPECT_FALSE(is_mac({std::byte{0x01}, std::byte{2}}));
    EXPECT_FALSE(is_mac({}));
}

TEST(Devices, come_back_from_an_lcm) {
    const LaunchGraph graph = test::sample_graph();
    const Bytes lcm = encode(graph);
    LaunchGraph decoded;
    DecodeNotes notes;
    ASSERT_TRUE(decode(lcm, decoded, &notes).ok()) << refusal(lcm);
    EXPECT_TRUE(notes.empty());
    const Domain& web = decoded.domains[0];
    ASSERT_EQ(web.disks.size(), 2U);
    EXPECT_EQ(web.disks[0].vdev, "xvda");
    EXPECT_EQ(web.disks[0].backend, "db");
    EXPECT_EQ(web.disks[0].target, "/srv/web image.raw");
    EXPECT_EQ(web.disks[0].mode, DiskMode::ReadOnly);
    EXPECT_EQ(web.disks[1].mode, DiskMode::ReadWrite);
    ASSERT_EQ(web.nets.size(), 1U);
    EXPECT_EQ(web.nets[0].backend, "db");
    EXPECT_EQ(web.nets[0].bridge, "xenbr0");
    EXPECT_EQ(web.nets[0].mac, graph.domains[0].nets[0].mac);
    ASSERT_EQ(web.channels.size(), 1U);
    EXPECT_EQ(web.channels[0].name, "org.example.agent");
    EXPECT_EQ(web.channels[0].backend, "db");
    EXPECT_EQ(web.channels[0].end, ChannelEnd::Socket);
    EXPECT_TRUE(decoded.domains[1].disks.empty());
    EXPECT_EQ(encode(decoded), lcm);
}

TEST(Devices, have_a_full_house) {
    LaunchGraph graph = test::sample_graph();
    Domain& domain = graph.domains[1];
    for (size_t i = 0; i < max_disks; ++i) {
        static constexpr const char* names[] = {"xvda", "xvdb", "xvdc", "xvdd",
                                                "xvde", "xvdf", "xvdg", "xvdh"};
        static_assert(std::size(names) == max_disks);
        ASSERT_TRUE(domain.disks.push({names[i], "web", "/x", DiskMode::ReadWrite}).ok());
    }
    for (size_t i = 0; i < max_nets; ++i) {
        const Mac mac{std::byte{2}, std::byte{}, std::byte{},
                      std::byte{},  std::byte{}, std::byte(i)};
        ASSERT_TRUE(domain.nets.push({"web", "b", mac}).ok());
    }
    for (size_t i = 0; i < max_channels; ++i) {
        static constexpr const char* names[] = {"a", "b", "c", "d"};
        static_assert(std::size(names) == max_channels);
        ASSERT_TRUE(domain.channels.push({names[i], "web", ChannelEnd::Pty}).ok());
    }
    const Bytes lcm = encode(graph);
    EXPECT_EQ(refusal(lcm), "accepted");
    // libfdt puts one more before the others, so the last of its kind is too many.
    for (const auto& [kind, last] : {std::pair{"hl,vbd", "vbd-8"}, std::pair{"hl,vif", "vif-12"},
                                     std::pair{"hl,console", "console-16"}}) {
        Bytes room = opened(lcm);
        const int parent = fdt_path_offset(room.data(), "/chosen/hypervisor/domain-2");
        const int added = fdt_add_subnode(room.data(), parent, "more");
        const Mac mac{std::byte{2}, std::byte{1}};
        ASSERT_EQ(0, set_string(room.data(), added, "compatible", kind));
        ASSERT_EQ(0, set_string(room.data(), added, "hl,backend", "web"));
        ASSERT_EQ(0, set_string(room.data(), added, "hl,vdev", "xvdz"));
        ASSERT_EQ(0, set_string(room.data(), added, "hl,target", "t"));
        ASSERT_EQ(0, set_string(room.data(), added, "hl,bridge", "b"));
        ASSERT_EQ(0, set_string(room.data(), added, "hl,name", "n"));
        ASSERT_EQ(0, fdt_setprop(room.data(), added, "hl,mac", mac.data(), 6));
        EXPECT_EQ(refusal(room), "/chosen/hypervisor/domain-2/" + std::string{last} +
                                     " : is one more than this version supports");
    }
}

struct DeviceFault {
    const char* name;
    std::string node;
    std::function<int(void*, int)> edit;
    std::string expected;
};

std::function<int(void*, int)> set(const char* property, const char* value) {
    return [=](void* t, int node) { return set_string(t, node, property, value); };
}
std::function<int(void*, int)> set_mac(std::initializer_list<uint8_t> bytes) {
    return [mac = std::vector<uint8_t>(bytes)](void* t, int node) {
        return fdt_setprop(t, node, "hl,mac", mac.data(), static_cast<int>(mac.size()));
    };
}
std::function<int(void*, int)> remove(const char* property) {
    return [=](void* t, int node) { return fdt_delprop(t, node, property); };
}

// clang-format off
const std::string web_node = "/chosen/hypervisor/domain-1";
const std::string disk = web_node + "/vbd-1";
const std::string second_disk = web_node + "/vbd-2";
const std::string net = web_node + "/vif-3";
const std::string channel = web_node + "/console-4";
const DeviceFault device_faults[] = {
    {"vdev_form", disk, set("hl,vdev", "sda"), disk + " hl,vdev" + wrong_form},
    {"vdev_missing", disk, remove("hl,vdev"), disk + " hl,vdev: is missing"},
    {"vdev_taken", second_disk, set("hl,vdev", "xvda"), second_disk + " hl,vdev: is there twice"},
    {"target_missing", disk, remove("hl,target"), disk + " hl,target: is missing"},
    {"target_newline", disk, set("hl,target", "a\nroles control"), disk + " hl,target" + wrong_form},
    {"disk_mode", disk, set("hl,mode", "w"), disk + " hl,mode" + wrong_form},
    {"disk_backend_missing", disk, remove("hl,backend"), disk + " hl,backend: is missing"},
    {"disk_backend_form", disk, set("hl,backend", "a b"), disk + " hl,backend" + wrong_form},
    {"disk_backend_unknown", disk, set("hl,backend", "dbb"), web_node + " hl,backend: names no domain of the launch"},
    {"disk_backend_itself", disk, set("hl,backend", "web"), web_node + " hl,backend: contradicts another value"},
    {"net_backend_unknown", net, set("hl,backend", "dbb"), web_node + " hl,backend: names no domain of the launch"},
    {"net_backend_itself", net, set("hl,backend", "web"), web_node + " hl,backend: contradicts another value"},
    {"bridge_form", net, set("hl,bridge", "a b"), net + " hl,bridge" + wrong_form},
    {"bridge_missing", net, remove("hl,bridge"), net + " hl,bridge: is missing"},
    {"mac_missing", net, remove("hl,mac"), net + " hl,mac: is missing"},
    {"mac_short", net, set_mac({0, 1, 2, 3, 4}), net + " hl,mac" + wrong_form},
    {"mac_group", net, set_mac({1, 0, 0, 0, 0, 1}), net + " hl,mac: is out of range"},
    {"mac_zero", net, set_mac({0, 0, 0, 0, 0, 0}), net + " hl,mac: is out of range"},
    {"channel_name_missing", channel, remove("hl,name"), channel + " hl,name: is missing"},
    {"channel_name_form", channel, set("hl,name", "/a"), channel + " hl,name" + wrong_form},
    {"channel_end", channel, set("hl,connection", "file"), channel + " hl,connection" + wrong_form},
    {"channel_backend_unknown", channel, set("hl,backend", "dbb"), web_node + " hl,backend: names no domain of the launch"},
};
// clang-format on

TEST(Devices, every_fault_is_refused_where_it_is) {
    const Bytes lcm = encode(test::sample_graph());
    for (const DeviceFault& fault : device_faults) {
        Bytes room = opened(lcm);
        const int node = fdt_path_offset(room.data(), fault.node.c_str());
        ASSERT_GE(node, 0) << fault.name;
        ASSERT_EQ(0, fault.edit(room.data(), node)) << fault.name;
        EXPECT_EQ(refusal(room), fault.expected) << fault.name;
    }
}

TEST(Devices, need_a_xenstore) {
    LaunchGraph graph = test::sample_graph();
    graph.domains[0].roles = {};
    EXPECT_EQ(refusal(encode(graph)), web_node + " xenstore: is missing");
    graph.domains[0].disks.clear();
    graph.domains[0].nets.clear();
    EXPECT_EQ(refusal(encode(graph)), web_node + " xenstore: is missing");
    graph.domains[0].channels.clear();
    EXPECT_EQ(refusal(encode(graph)), "accepted");
}

TEST(Devices, addresses_and_channels_are_not_shared) {
    LaunchGraph graph = test::sample_graph();
    ASSERT_TRUE(graph.domains[1].nets.push({"web", "b", graph.domains[0].nets[0].mac}).ok());
    EXPECT_EQ(refusal(encode(graph)), web_node + " hl,mac: is there twice");
    graph = test::sample_graph();
    ASSERT_TRUE(graph.domains[0].channels.push(graph.domains[0].channels[0]).ok());
    EXPECT_EQ(refusal(encode(graph)), web_node + "/console-5 hl,name: is there twice");
}

}  // namespace
}  // namespace launch
