// SPDX-License-Identifier: Apache-2.0
// The canonical text is what PCRs are made of: its exact form, and that no value can forge a line.
#include "launch-config/binding/canonical.hpp"

#include "tests/unit/launch-config/sample_graph.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace launch {
namespace {

std::string domain_text(const Domain& domain) {
    std::vector<char> buffer(max_domain_text_bytes);
    hv::Text out{buffer};
    write_domain_text(domain, {test::sample_digest(0x11), test::sample_digest(0x22)}, out);
    EXPECT_FALSE(out.truncated());
    return std::string{out.view()};
}

std::string hypervisor_text(const LaunchGraph& graph, std::string_view cmdline) {
    std::vector<char> buffer(max_hypervisor_text_bytes);
    hv::Text out{buffer};
    write_hypervisor_text(graph, cmdline, Root::None, out);
    EXPECT_FALSE(out.truncated());
    return std::string{out.view()};
}

std::string repeat(std::string_view s, int times) {
    std::string all;
    while (times-- > 0) {
        all += s;
    }
    return all;
}

TEST(Canonical, domain_text_has_this_form) {
    EXPECT_EQ(
        "domain web\n"
        "domid 1\n"
        "uuid 01010101-0101-0101-0101-010101010101\n"
        "type pvh\n"
        "vcpus 2\n"
        "memory 268435456\n"
        "memory-max 536870912\n"
        "roles xenstore tpm\n"
        "cpuid-x2apic 0\n"
        "cpuid-xsave 0\n"
        "expect reboot\n"
        "disk xvda ro db /srv/web image.raw\n"
        "disk xvdb1 rw db /dev/ram0\n"
        "net 00:16:3e:01:02:ff db xenbr0\n"
        "channel org.example.agent socket db\n"
        "cmdline console=hvc0 panic=-1\n"
        "kernel vmlinux sha256:" +
            repeat("11", 32) +
            "\n"
            "kernel-expected sha256:" +
            repeat("ab", 32) +
            "\n"
            "initrd initrd.cpio sha256:" +
            repeat("22", 32) +
            "\n"
            "initrd-expected any\n",
        domain_text(test::sample_graph().domains[0]));
}

TEST(Canonical, the_order_of_frames_is_a_pv_domains_only) {
    Domain domain = test::sample_domain(2);
    domain.p2m = P2mOrder::Permuted;
    EXPECT_EQ(domain_text(domain).npos, domain_text(domain).find("p2m"));
    domain.type = DomainType::Pv;
    EXPECT_NE(domain_text(domain).npos,
              domain_text(domain).find("\ntype pv\npv-p2m permuted\nvcpus "));
}

TEST(Canonical, a_domain_without_initrd_or_roles_says_so) {
    Domain domain = test::sample_domain(2);
    domain.initrd.reset();
    const std::string text = domain_text(domain);
    EXPECT_NE(text.npos, text.find("\nroles none\n"));
    EXPECT_TRUE(text.ends_with("\ninitrd none\n"));
}

TEST(Canonical, hypervisor_text_has_this_form) {
    EXPECT_EQ(
        "hypervisor gantry\n"
        "cmdline a=b\n"
        "root none\n"
        "measurement preferred\n"
        "pcr-text 11\n"
        "pcr-blobs 14\n"
        "pcr-mirror 20\n",
        hypervisor_text(test::sample_graph(), "a=b"));
}

TEST(Canonical, a_command_line_cannot_forge_a_line) {
    Domain domain = test::sample_domain(1);
    domain.cmdline = "a\nroles control\\\x7f\xc3\xa9";
    const std::string text = domain_text(domain);
    EXPECT_NE(text.npos, text.find("\ncmdline a\\x0aroles control\\x5c\\x7f\\xc3\\xa9\n"));
    EXPECT_EQ(domain_text(test::sample_domain(1)).size() + 0,
              text.size() - std::string_view{"a\\x0aroles control\\x5c\\x7f\\xc3\\xa9"}.size() +
                  test::sample_domain(1).cmdline.size());
}

TEST(Canonical, the_longest_values_fit) {
    Domain domain = test::sample_domain(1);
    const std::string cmdline(max_cmdline_bytes, '\n');
    const std::string name(max_name_bytes, 'n');
    domain.cmdline = cmdline;
    domain.name = domain.kernel.name = domain.initrd->name = name;
    domain.memory_bytes = ~uint64_t{0};
    domain.max_memory_bytes = ~uint64_t{0};
    for (const Role role : all_roles) {
        domain.roles.add(role);
    }
    domain.initrd->expected_sha256 = test::sample_digest(1);
    const std::string target(max_target_bytes, 't');
    const std::string bridge(max_bridge_bytes, 'b');
    while (domain.disks.push({"xvdzz255", name, target, DiskMode::ReadOnly}).ok()) {
    }
    while (domain.nets.push({name, bridge, {}}).ok()) {
    }
    while (domain.channels.push({name, name, ChannelEnd::Socket}).ok()) {
    }
    domain.type = DomainType::Pv;
    while (domain.after.push(name).ok()) {
    }
    const std::string path(max_ready_path_bytes, 'p');
    const std::string text(max_ready_text_bytes, '\\');
    domain.ready = {ReadyWhen::Xenstore, path, text, max_ready_timeout_ms};
    domain.on_failure = domain.on_crash = Policy::Recovery;
    domain.start_unmeasured = true;
    EXPECT_TRUE(domain_text(domain).ends_with("\n"));
    EXPECT_TRUE(hypervisor_text(test::sample_graph(), cmdline).ends_with("\n"));
}

// Whatever field changes, the text changes: otherwise a verifier could not see the change.
TEST(Canonical, every_field_reaches_the_text) {
    std::set<std::string> texts;
    size_t variants = 0;
    const auto add = [&](const auto& change) {
        Domain domain = test::sample_domain(1);
        test::add_sample_devices(domain);
        change(domain);
        texts.insert(domain_text(domain));
        ++variants;
    };
    add([](Domain&) {});
    add([](Domain& d) { d.domid = hv::DomainId{9}; });
    add([](Domain& d) { d.name = "other"; });
    add([](Domain& d) { d.uuid[15] = std::byte{0}; });
    add([](Domain& d) { d.type = DomainType::Hvm; });
    add([](Domain& d) { d.type = DomainType::Pv; });
    add([](Domain& d) {
        d.type = DomainType::Pv;
        d.p2m = P2mOrder::Permuted;
    });
    add([](Domain& d) { d.vcpu_count = 3; });
    add([](Domain& d) { d.memory_bytes += 4096; });
    add([](Domain& d) { d.max_memory_bytes += 4096; });
    add([](Domain& d) { d.roles.add(Role::Console); });
    add([](Domain& d) { d.cpuid.x2apic = false; });
    add([](Domain& d) { d.cpuid.xsave = false; });
    add([](Domain& d) { d.expected_end = ExpectedEnd::Crash; });
    add([](Domain& d) { d.cmdline = ""; });
    add([](Domain& d) { d.kernel.name = "k"; });
    add([](Domain& d) { d.kernel.expected_sha256.reset(); });
    add([](Domain& d) { d.initrd->name = "i"; });
    add([](Domain& d) { d.initrd->expected_sha256 = test::sample_digest(3); });
    add([](Domain& d) { d.initrd.reset(); });
    add([](Domain& d) { d.disks.pop(); });
    add([](Domain& d) { d.disks[0].vdev = "xvdc"; });
    add([](Domain& d) { d.disks[0].backend = "other"; });
    add([](Domain& d) { d.disks[0].target = "/other"; });
    add([](Domain& d) { d.disks[0].mode = DiskMode::ReadWrite; });
    add([](Domain& d) { d.nets.pop(); });
    add([](Domain& d) { d.nets[0].backend = "other"; });
    add([](Domain& d) { d.nets[0].bridge = "other"; });
    add([](Domain& d) { d.nets[0].mac[5] = std::byte{}; });
    add([](Domain& d) { d.channels.pop(); });
    add([](Domain& d) { d.channels[0].name = "other"; });
    add([](Domain& d) { d.channels[0].backend = "other"; });
    add([](Domain& d) { d.channels[0].end = ChannelEnd::Pty; });
    add([](Domain& d) { static_cast<void>(d.after.push("db")); });
    add([](Domain& d) { static_cast<void>(d.after.push("da")); });
    add([](Domain& d) { d.ready.when = ReadyWhen::Serving; });
    add([](Domain& d) { d.ready.when = ReadyWhen::Connected; });
    add([](Domain& d) { d.ready = {ReadyWhen::Connected, {}, {}, 1}; });
    add([](Domain& d) { d.ready = {ReadyWhen::Xenstore, "data", {}, 1}; });
    add([](Domain& d) { d.ready = {ReadyWhen::Xenstore, "data/x", {}, 1}; });
    add([](Domain& d) { d.ready = {ReadyWhen::Xenstore, "data/x", "up", 1}; });
    add([](Domain& d) { d.ready = {ReadyWhen::Console, {}, "up", 1}; });
    add([](Domain& d) { d.ready = {ReadyWhen::Console, {}, "down", 1}; });
    add([](Domain& d) { d.start_unmeasured = true; });
    add([](Domain& d) { d.on_failure = Policy::Halt; });
    add([](Domain& d) { d.on_failure = Policy::Recovery; });
    add([](Domain& d) { d.on_crash = Policy::Halt; });
    add([](Domain& d) { d.on_crash = Policy::Recovery; });
    EXPECT_EQ(variants, texts.size());
}

}  // namespace
}  // namespace launch
