// SPDX-License-Identifier: Apache-2.0
// A launch with two driver domains, a PV and a PVH domain that use them, and both services.
#pragma once

#include "launch-config/binding/launch_graph.hpp"
#include "tests/unit/launch-config/sample_graph.hpp"

namespace launch::test {

inline Domain example_domain(uint16_t number, std::string_view name) {
    Domain domain;
    domain.domid = hv::DomainId{number};
    domain.name = name;
    domain.uuid = sample_uuid(static_cast<uint8_t>(number));
    domain.memory_bytes = domain.max_memory_bytes = 128 << 20;
    return domain;
}

inline Domain example_service(uint16_t number, std::string_view name, Role role) {
    Domain domain = example_domain(number, name);
    domain.memory_bytes = domain.max_memory_bytes = 8 << 20;
    domain.roles.add(role);
    return domain;
}

inline LaunchGraph example_launch() {
    LaunchGraph graph;
    const Mac mac{std::byte{0x00}, std::byte{0x16}, std::byte{0x3e}, std::byte{1}, std::byte{2}};
    const auto add = [&graph](const Domain& domain) {
        static_cast<void>(graph.domains.push(domain));
    };
    add(example_domain(1, "storage"));
    Domain net = example_domain(2, "net");
    static_cast<void>(net.disks.push({"xvda", "storage", "/srv/net root.img", DiskMode::ReadOnly}));
    add(net);
    Domain web = example_domain(3, "web");
    web.type = DomainType::Pv;
    web.vcpu_count = 2;
    web.max_memory_bytes = 256 << 20;
    static_cast<void>(web.disks.push({"xvda", "storage", "/dev/loop10", DiskMode::ReadWrite}));
    static_cast<void>(web.disks.push({"xvdq1", "storage", "/dev/ram1", DiskMode::ReadOnly}));
    static_cast<void>(web.nets.push({"net", "xenbr0", mac}));
    static_cast<void>(web.channels.push({"org.example.agent", "console", ChannelEnd::Socket}));
    add(web);
    Domain db = example_domain(4, "db");
    db.max_memory_bytes = 256 << 20;
    add(db);
    add(example_service(5, "console", Role::Console));
    add(example_service(6, "xenstore", Role::Xenstore));
    return graph;
}

}  // namespace launch::test
