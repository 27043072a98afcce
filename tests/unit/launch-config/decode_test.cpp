// SPDX-License-Identifier: Apache-2.0
// What decode makes of LCMs that our encoder wrote, and of the same bytes after something happened
// to them. Built with sanitizers, so reading outside the bytes fails the test.
#include "launch-config/binding/decode.hpp"

#include "launch-config/binding/canonical.hpp"
#include "tests/unit/launch-config/lcm_edits.hpp"

#include <cstring>
#include <memory>
#include <random>

namespace launch {
namespace {

using test::Bytes;
using test::first;
using test::node;
using test::second;

// A copy whose end the sanitizer watches, unlike a vector's spare capacity.
struct Exact {
    explicit Exact(std::span<const std::byte> bytes)
        : size{bytes.size()}, data{std::make_unique<std::byte[]>(bytes.size())} {
        std::copy(bytes.begin(), bytes.end(), data.get());
    }
    [[nodiscard]] std::span<const std::byte> span() const { return {data.get(), size}; }
    size_t size;
    std::unique_ptr<std::byte[]> data;
};

void expect_same(const Artifact& a, const Artifact& b) {
    EXPECT_EQ(a.module_index, b.module_index);
    EXPECT_EQ(a.name, b.name);
    EXPECT_EQ(a.source, b.source);
    EXPECT_EQ(a.size_bytes, b.size_bytes);
    EXPECT_EQ(a.expected_sha256, b.expected_sha256);
}

void expect_same(const Domain& a, const Domain& b) {
    EXPECT_EQ(a.domid, b.domid);
    EXPECT_EQ(a.name, b.name);
    EXPECT_EQ(a.uuid, b.uuid);
    EXPECT_EQ(a.type, b.type);
    EXPECT_EQ(a.vcpu_count, b.vcpu_count);
    EXPECT_EQ(a.memory_bytes, b.memory_bytes);
    EXPECT_EQ(a.max_memory_bytes, b.max_memory_bytes);
    for (const Role role : all_roles) {
        EXPECT_EQ(a.roles.has(role), b.roles.has(role)) << to_string(role);
    }
    EXPECT_EQ(a.cpuid.x2apic, b.cpuid.x2apic);
    EXPECT_EQ(a.cpuid.xsave, b.cpuid.xsave);
    expect_same(a.kernel, b.kernel);
    ASSERT_EQ(a.initrd.has_value(), b.initrd.has_value());
    if (a.initrd) {
        expect_same(*a.initrd, *b.initrd);
    }
    EXPECT_EQ(a.cmdline, b.cmdline);
    EXPECT_EQ(a.expected_end, b.expected_end);
    EXPECT_EQ(a.path, b.path);
}

TEST(Decode, gives_back_the_graph_that_was_encoded) {
    const LaunchGraph graph = test::sample_graph();
    const Bytes lcm = encode(graph);
    LaunchGraph decoded;
    DecodeNotes notes;
    ASSERT_TRUE(decode(lcm, decoded, &notes).ok()) << refusal(lcm);
    EXPECT_TRUE(notes.empty());
    EXPECT_EQ(graph.measurement, decoded.measurement);
    EXPECT_EQ(graph.pcrs.text, decoded.pcrs.text);
    EXPECT_EQ(graph.pcrs.blobs, decoded.pcrs.blobs);
    EXPECT_EQ(graph.pcrs.mirror, decoded.pcrs.mirror);
    EXPECT_EQ(graph.hypervisor_cmdline, decoded.hypervisor_cmdline);
    expect_same(graph.builder, decoded.builder);
    ASSERT_EQ(graph.domains.size(), decoded.domains.size());
    for (size_t i = 0; i < graph.domains.size(); ++i) {
        expect_same(graph.domains[i], decoded.domains[i]);
    }
}

TEST(Decode, gives_back_a_pv_domain_and_its_order_of_frames) {
    for (const P2mOrder order : {P2mOrder::Identity, P2mOrder::Permuted}) {
        LaunchGraph graph = test::sample_graph();
        graph.domains[0].roles = {};
        graph.domains[0].disks.clear();
        graph.domains[0].nets.clear();
        graph.domains[0].channels.clear();
        graph.domains[0].type = DomainType::Pv;
        graph.domains[0].p2m = order;
        const Bytes lcm = encode(graph);
        LaunchGraph decoded;
        ASSERT_TRUE(decode(lcm, decoded).ok());
        EXPECT_EQ(decoded.domains[0].type, DomainType::Pv);
        EXPECT_EQ(decoded.domains[0].p2m, order);
        EXPECT_EQ(decoded.domains[1].type, DomainType::Pvh);
    }
}

TEST(Decode, encoding_is_reproducible) {
    EXPECT_EQ(encode(test::sample_graph()), encode(test::sample_graph()));
}

TEST(Decode, refuses_every_truncation) {
    const Bytes lcm = encode(test::sample_graph());
    for (size_t size = 0; size < lcm.size(); ++size) {
        const Exact cut{std::span{lcm}.first(size)};
        EXPECT_NE("accepted", refusal(cut.span())) << size;
    }
}

TEST(Decode, says_that_something_is_no_tree) {
    Bytes lcm = encode(test::sample_graph());
    const std::string no_tree = " : not a well-formed flattened device tree";
    EXPECT_EQ(no_tree, refusal({}));
    EXPECT_EQ(no_tree, refusal(std::span{lcm}.first(lcm.size() / 2)));
    lcm[0] ^= std::byte{1};
    EXPECT_EQ(no_tree, refusal(lcm));
}

// Whatever one changed byte leads to, decode ends inside the bytes and its graph can be used.
TEST(Decode, survives_every_changed_byte) {
    const Bytes lcm = encode(test::sample_graph());
    LaunchGraph graph;
    std::vector<char> text(max_domain_text_bytes);
    for (size_t at = 0; at < lcm.size(); ++at) {
        for (const unsigned flip : {0x01U, 0x80U, 0xffU}) {
            Exact changed{lcm};
            changed.data[at] ^= static_cast<std::byte>(flip);
            if (!decode(changed.span(), graph).ok()) {
                continue;
            }
            for (const Domain& domain : graph.domains) {
                hv::Text out{text};
                write_domain_text(domain, {}, out);
                EXPECT_FALSE(out.truncated());
            }
        }
    }
}

TEST(Decode, survives_random_damage) {
    const Bytes lcm = encode(test::sample_graph());
    std::mt19937 random{1};  // always the same damage: a failure can be repeated
    LaunchGraph graph;
    for (int round = 0; round < 2000; ++round) {
        Exact changed{lcm};
        for (int n = 0; n < 8; ++n) {
            changed.data[random() % changed.size] = static_cast<std::byte>(random());
        }
        static_cast<void>(decode(changed.span(), graph));
    }
}

TEST(Decode, refuses_an_oversized_module) {
    Bytes lcm = encode(test::sample_graph());
    lcm.resize(max_lcm_bytes);
    EXPECT_EQ("accepted", refusal(lcm));
    lcm.resize(max_lcm_bytes + 1);
    EXPECT_EQ(" : the launch control module is too large", refusal(lcm));
}

TEST(Decode, reports_what_it_does_not_know) {
    Bytes lcm = encode(test::sample_graph());
    Bytes room(lcm.size() + 4096);
    ASSERT_EQ(0, fdt_open_into(lcm.data(), room.data(), static_cast<int>(room.size())));
    ASSERT_EQ(0, fdt_setprop_u32(room.data(), node(room.data(), first), "vpl011", 1));
    ASSERT_GE(fdt_add_subnode(room.data(), node(room.data(), "/chosen/hypervisor"), "toy"), 0);
    LaunchGraph graph;
    DecodeNotes notes;
    ASSERT_TRUE(decode(room, graph, &notes).ok());
    ASSERT_EQ(2U, notes.size());
    EXPECT_EQ("/chosen/hypervisor/toy", notes[0].path.view());
    EXPECT_EQ("", notes[0].property.view());
    EXPECT_EQ(first, notes[1].path.view());
    EXPECT_EQ("vpl011", notes[1].property.view());
}

TEST(Decode, gives_free_domids_to_domains_without_one) {
    Bytes lcm = encode(test::sample_graph());
    ASSERT_EQ(0, fdt_setprop_inplace_u32(lcm.data(), node(lcm.data(), first), "domid", 0x7ff5));
    ASSERT_EQ(0, fdt_setprop_inplace_u32(lcm.data(), node(lcm.data(), second), "domid", 1));
    LaunchGraph graph;
    ASSERT_TRUE(decode(lcm, graph).ok());
    EXPECT_EQ(2, graph.domains[0].domid.value());
    EXPECT_EQ(1, graph.domains[1].domid.value());
}

}  // namespace
}  // namespace launch
