// SPDX-License-Identifier: Apache-2.0
// A launch graph with every field set to something that is not its default, for round trips.
#pragma once

#include "launch-config/binding/launch_graph.hpp"

namespace launch::test {

inline std::array<std::byte, 16> sample_uuid(uint8_t n) {
    std::array<std::byte, 16> uuid{};
    uuid.fill(std::byte{n});
    return uuid;
}

inline std::array<std::byte, 32> sample_digest(uint8_t n) {
    std::array<std::byte, 32> digest{};
    digest.fill(std::byte{n});
    return digest;
}

inline Domain sample_domain(uint16_t number) {
    Domain domain;
    domain.domid = hv::DomainId{number};
    domain.name = number == 1 ? "web" : "db";
    domain.uuid = sample_uuid(static_cast<uint8_t>(number));
    domain.vcpu_count = 2;
    domain.memory_bytes = 256U << 20;
    domain.max_memory_bytes = 512U << 20;
    domain.kernel = {.module_index = 2,
                     .name = "vmlinux",
                     .source = "vmlinuz (unpacked)",
                     .size_bytes = 12345,
                     .expected_sha256 = sample_digest(0xab)};
    domain.initrd = Artifact{.module_index = 2U + number,
                             .name = "initrd.cpio",
                             .source = "initrd.cpio",
                             .size_bytes = 999,
                             .expected_sha256 = {}};
    domain.cmdline = "console=hvc0 panic=-1";
    domain.path = number == 1 ? "/domains/0" : "/domains/1";
    return domain;
}

inline void add_sample_devices(Domain& domain) {
    const Mac mac{std::byte{0x00}, std::byte{0x16}, std::byte{0x3e},
                  std::byte{0x01}, std::byte{0x02}, std::byte{0xff}};
    static_cast<void>(domain.disks.push({"xvda", "db", "/srv/web image.raw", DiskMode::ReadOnly}));
    static_cast<void>(domain.disks.push({"xvdb1", "db", "/dev/ram0", DiskMode::ReadWrite}));
    static_cast<void>(domain.nets.push({"db", "xenbr0", mac}));
    static_cast<void>(domain.channels.push({"org.example.agent", "db", ChannelEnd::Socket}));
}

inline LaunchGraph sample_graph() {
    LaunchGraph graph;
    graph.measurement = Measurement::Preferred;
    graph.pcrs = {hv::PcrIndex{11}, hv::PcrIndex{14}, hv::PcrIndex{20}};
    graph.builder = {.module_index = 1,
                     .name = "domb",
                     .source = "domb.bin",
                     .size_bytes = 4096,
                     .expected_sha256 = {}};
    graph.hypervisor_cmdline = "loglevel=debug";
    Domain first = sample_domain(1);
    first.roles.add(Role::Tpm);
    first.roles.add(Role::Xenstore);
    first.cpuid = {.x2apic = false, .xsave = false};
    first.expected_end = ExpectedEnd::Reboot;
    add_sample_devices(first);
    Domain second = sample_domain(2);
    second.roles.add(Role::Console);
    second.initrd.reset();
    second.expected_end = ExpectedEnd::Never;
    static_cast<void>(graph.domains.push(first));
    static_cast<void>(graph.domains.push(second));
    return graph;
}

}  // namespace launch::test
