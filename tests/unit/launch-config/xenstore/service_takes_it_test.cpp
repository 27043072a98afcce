// SPDX-License-Identifier: Apache-2.0
// The Xenstore service of domb takes the trees that the compiler makes, and its guests can do with
// them what their drivers do.
#include "domb/services/xenstore/initial_tree.hpp"
#include "launch-config/xenstore/initial_tree.hpp"
#include "tests/unit/domb/xenstore/client.hpp"
#include "tests/unit/launch-config/xenstore/example_launch.hpp"

namespace xenstore::test {
namespace {

Config large_config() {
    Config config;
    config.clients = 34;
    config.control = hv::DomainId{0};
    return config;
}

class InitialTreeInService : public ServerTest {
  protected:
    InitialTreeInService() : ServerTest{large_config()} {}

    void load(const launch::LaunchGraph& graph) {
        for (const launch::Domain& domain : graph.domains) {
            guest(domain.domid.value());
        }
        const auto module = to_module(launch::xenstore::initial_tree(graph));
        const auto loaded = load_tree(server, module);
        ASSERT_TRUE(loaded.ok()) << static_cast<int>(loaded.error().fault) << " in record "
                                 << loaded.error().record;
        expect_sound();
    }
};

TEST_F(InitialTreeInService, is_what_it_was) {
    const launch::LaunchGraph graph = launch::test::example_launch();
    load(graph);
    size_t count = 0;
    for (const auto& node : launch::xenstore::initial_tree(graph).nodes()) {
        std::string permissions = to_text(node.permissions) + "|";
        std::replace(permissions.begin(), permissions.end(), ',', '|');
        if (node.path[0] != '@') {  // these are no nodes
            EXPECT_EQ(read(0, node.path), node.value) << node.path;
        }
        EXPECT_EQ(get_perms(0, node.path), permissions) << node.path;
        ++count;
    }
    EXPECT_GT(count, 200U);
}

TEST_F(InitialTreeInService, lets_a_guest_see_itself_and_keep_its_own) {
    load(launch::test::example_launch());
    EXPECT_EQ(list(3, "/local/domain"), "1|2|3|4|5|6|");
    EXPECT_EQ(read(3, "name"), "web");
    EXPECT_EQ(read(3, "vm"), "/vm/03030303-0303-0303-0303-030303030303");
    EXPECT_EQ(read(3, read(3, "vm") + "/name"), "web");
    EXPECT_EQ(write(3, "name", "root"), "EACCES");
    EXPECT_EQ(write(3, "memory/target", "1"), "EACCES");
    EXPECT_EQ(write(3, "control/feature-poweroff", "1"), "OK|");
    EXPECT_EQ(write(3, "control/shutdown", ""), "OK|");
    EXPECT_EQ(write(3, "data/x", "y"), "OK|");
    EXPECT_EQ(mkdir(3, "error/device"), "OK|");
    EXPECT_EQ(read(3, "/local/domain/4/name"), "EACCES");
    EXPECT_EQ(list(3, "/libxl"), "EACCES");
    EXPECT_EQ(list(3, "/vm"), "EACCES");
}

TEST_F(InitialTreeInService, lets_both_ends_of_a_device_meet) {
    load(launch::test::example_launch());
    EXPECT_EQ(list(3, "device/vbd"), "51712|268439553|");
    const std::string front = "/local/domain/3/device/vbd/51712";
    const std::string back = read(3, "device/vbd/51712/backend");
    EXPECT_EQ(back, "/local/domain/1/backend/vbd/3/51712");
    EXPECT_EQ(read(1, back + "/frontend"), front);
    EXPECT_EQ(read(3, "device/vbd/51712/backend-id"), "1");
    EXPECT_EQ(read(1, back + "/frontend-id"), "3");
    // Each watches the other's state, changes its own, and cannot change the other's.
    EXPECT_EQ(watch(1, front + "/state", "f"), "OK|");
    EXPECT_EQ(watch(3, back + "/state", "b"), "OK|");
    static_cast<void>(events(1) + events(3));
    EXPECT_EQ(write(1, back + "/state", "2"), "OK|");
    EXPECT_EQ(events(3), back + "/state|b|");
    EXPECT_EQ(write(3, front + "/ring-ref", "8"), "OK|");
    EXPECT_EQ(write(3, front + "/state", "3"), "OK|");
    EXPECT_EQ(events(1), front + "/state|f|");
    EXPECT_EQ(read(1, front + "/ring-ref"), "8");
    EXPECT_EQ(write(1, back + "/sectors", "2048"), "OK|");
    EXPECT_EQ(read(3, back + "/sectors"), "2048");
    EXPECT_EQ(write(3, back + "/mode", "w"), "EACCES");
    EXPECT_EQ(write(1, front + "/state", "4"), "EACCES");
    // Nobody else looks.
    EXPECT_EQ(read(2, front + "/state"), "EACCES");
    EXPECT_EQ(read(4, back + "/params"), "EACCES");
    EXPECT_EQ(list(1, "backend/vbd"), "2|3|");
    EXPECT_EQ(list(3, "/local/domain/1/backend"), "EACCES");
}

TEST_F(InitialTreeInService, tells_who_serves_others_of_domains_that_end) {
    load(launch::test::example_launch());
    for (const uint16_t domain : {uint16_t{1}, uint16_t{2}, uint16_t{3}, uint16_t{5}}) {
        EXPECT_EQ(watch(domain, "@releaseDomain", "t"), "OK|");
        EXPECT_EQ(events(domain), "@releaseDomain|t|") << "as any watch does at first";
    }
    server.shut_down(hv::DomainId{4});
    EXPECT_EQ(events(1), "@releaseDomain|t|") << "serves disks";
    EXPECT_EQ(events(2), "@releaseDomain|t|") << "serves nets";
    EXPECT_EQ(events(3), "") << "serves nobody";
    EXPECT_EQ(events(5), "@releaseDomain|t|") << "serves consoles";
}

TEST_F(InitialTreeInService, keeps_what_a_front_end_may_not_change) {
    load(launch::test::example_launch());
    EXPECT_EQ(write(3, "device/vif/0/mtu", "9000"), "EACCES");
    EXPECT_EQ(write(3, "console/ring-ref", "1"), "EACCES");
    EXPECT_EQ(write(5, "/local/domain/3/console/tty", "/dev/pts/1"), "OK|");
    EXPECT_EQ(read(3, "console/tty"), "/dev/pts/1");
    EXPECT_EQ(read(3, "device/console/1/name"), "org.example.agent");
}

// The largest launch, all of whose disks one domain serves up to what the manifest allows.
TEST_F(InitialTreeInService, has_room_for_the_largest_launch) {
    launch::LaunchGraph graph;
    for (uint16_t number = 1; number <= launch::max_domains; ++number) {
        launch::Domain domain = launch::test::example_domain(number, "");
        static std::array<std::string, launch::max_domains> names;
        domain.name = names[number - 1] = "d" + std::to_string(number);
        domain.vcpu_count = launch::max_vcpus_per_domain;
        if (number == launch::max_domains) {
            domain.roles.add(launch::Role::Console);
        } else if (number != 1) {
            const std::string_view backend = names[0];
            const auto disk = [&](std::string_view vdev) {
                static_cast<void>(domain.disks.push({vdev, backend, "/dev/loop0", {}}));
            };
            disk("xvda");
        }
        ASSERT_TRUE(graph.domains.push(domain).ok());
    }
    load(graph);
    // blkback says fifteen things of each.
    for (int number = 2; number < static_cast<int>(launch::max_domains); ++number) {
        for (int key = 0; key < 15; ++key) {
            EXPECT_EQ(
                write(1, "backend/vbd/" + std::to_string(number) + "/51712/" + std::to_string(key),
                      "1"),
                "OK|");
        }
    }
}

}  // namespace
}  // namespace xenstore::test
