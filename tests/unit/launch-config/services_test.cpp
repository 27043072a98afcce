// SPDX-License-Identifier: Apache-2.0
// The services that the compiler adds to a launch, and the Xenstore service's initial tree.
#include "domb/services/xenstore/initial_tree.hpp"
#include "domb/services/xenstore/server.hpp"
#include "hv/abi/service_plan.hpp"
#include "launch-config/model/assemble.hpp"
#include "launch-config/xenstore/initial_tree.hpp"

#include <functional>

#include <gtest/gtest.h>

namespace {

using launch::Role;
using launch::model::Bytes;
using launch::model::Plan;

Bytes bytes_of(std::string_view text) {
    const auto bytes = std::as_bytes(std::span{text});
    return {bytes.begin(), bytes.end()};
}

class Services : public testing::Test {
  protected:
    Services() {
        manifest.measurement = launch::Measurement::Off;
        add_domain("web");
        add_domain("db");
    }
    launch::model::DomainSpec& add_domain(const std::string& name) {
        launch::model::DomainSpec domain;
        domain.name.value = name;
        domain.memory_bytes.value = domain.max_memory_bytes.value = 64 << 20;
        domain.kernel.emplace();
        domain.place.pointer = "/domains/" + std::to_string(manifest.domains.size());
        prepared.push_back(
            {.kernel = {std::make_shared<Bytes>(bytes_of("kernel")), "vmlinuz", "vmlinuz", {}},
             .initrd = std::nullopt});
        return manifest.domains.emplace_back(std::move(domain));
    }
    Plan assemble() {
        Plan plan = launch::model::assemble(
            manifest, prepared,
            {bytes_of("domb"), bytes_of("console"), bytes_of("xenstore"), bytes_of("launcher")},
            diagnostics);
        EXPECT_TRUE(diagnostics.empty());
        return plan;
    }

    launch::model::Manifest manifest;
    std::vector<launch::model::PreparedDomain> prepared;
    launch::model::Diagnostics diagnostics{"launch.json", "{}"};
};

TEST_F(Services, are_the_console_alone_unless_a_xenstore_is_wanted) {
    const Plan plan = assemble();
    ASSERT_EQ(plan.graph.domains.size(), 3U);
    EXPECT_TRUE(plan.graph.domains[2].roles.has(Role::Console));
}

TEST_F(Services, have_a_tree_and_memory_for_all_whom_they_serve) {
    manifest.has_xenstore = true;
    const Plan plan = assemble();
    ASSERT_EQ(plan.graph.domains.size(), 4U);
    const launch::Domain& xenstore = plan.graph.domains[3];
    EXPECT_EQ(xenstore.name, "xenstore");
    EXPECT_TRUE(xenstore.roles.has(Role::Xenstore));
    EXPECT_EQ(xenstore.expected_end, launch::ExpectedEnd::Never);
    EXPECT_EQ(plan.modules[xenstore.kernel.module_index].bytes, bytes_of("xenstore"));
    ASSERT_TRUE(xenstore.initrd.has_value());
    const Bytes& tree = plan.modules[xenstore.initrd->module_index].bytes;
    EXPECT_EQ(tree, launch::xenstore::to_module(launch::xenstore::initial_tree(plan.graph)));
    EXPECT_EQ(xenstore.initrd->size_bytes, tree.size());
    EXPECT_GE(xenstore.memory_bytes, hv::abi::xenstore_own_bytes +
                                         3 * hv::abi::xenstore_bytes_per_domain +
                                         hv::align_up(tree.size(), hv::page_size));
    EXPECT_EQ(xenstore.max_memory_bytes, xenstore.memory_bytes);
}

TEST_F(Services, give_way_to_a_domain_with_their_role) {
    manifest.has_xenstore = true;
    manifest.domains[1].roles.push_back({Role::Xenstore, {}});
    const Plan plan = assemble();
    ASSERT_EQ(plan.graph.domains.size(), 3U);
    EXPECT_TRUE(plan.graph.domains[1].roles.has(Role::Xenstore));
    EXPECT_FALSE(plan.graph.domains[1].initrd.has_value());
}

// The tree is the Xenstore service's, though it is not the last.
TEST_F(Services, have_a_launcher_behind_them_where_there_is_an_order) {
    manifest.has_xenstore = true;
    manifest.domains[1].after.push_back({"web", {}});
    const Plan plan = assemble();
    ASSERT_EQ(plan.graph.domains.size(), 5U);
    EXPECT_EQ(plan.graph.domains[1].after[0], "web");
    EXPECT_TRUE(plan.graph.domains[3].initrd.has_value());
    const launch::Domain& launcher = plan.graph.domains[4];
    EXPECT_EQ(launcher.name, "launcher");
    EXPECT_TRUE(launcher.roles.has(Role::Launcher));
    EXPECT_EQ(launcher.expected_end, launch::ExpectedEnd::Never);
    EXPECT_EQ(launcher.memory_bytes, plan.graph.domains[2].memory_bytes);
    EXPECT_FALSE(launcher.initrd.has_value());
    EXPECT_EQ(plan.modules[launcher.kernel.module_index].bytes, bytes_of("launcher"));
}

TEST_F(Services, have_a_launcher_for_every_part_of_an_order) {
    using launch::Policy;
    const std::vector<std::function<void(launch::model::DomainSpec&)>> parts{
        [](auto& d) {
            d.after.push_back({"db", {}});
        },
        [](auto& d) {
            d.ready = {{}, {launch::ReadyWhen::Xenstore, {}}, "data", {}, 1};
        },
        [](auto& d) { d.on_failure.value = Policy::Halt; },
        [](auto& d) { d.on_crash.value = Policy::Halt; },
        [](auto& d) {
            d.roles.push_back({Role::Recovery, {}});
        },
    };
    manifest.has_xenstore = true;
    const auto without = manifest;
    for (const auto& part : parts) {
        manifest = without;
        part(manifest.domains[0]);
        const Plan plan = assemble();
        ASSERT_EQ(plan.graph.domains.size(), 5U);
        EXPECT_TRUE(plan.graph.domains[4].roles.has(Role::Launcher));
        manifest.domains[1].roles.push_back({Role::Launcher, {}});
        EXPECT_EQ(assemble().graph.domains.size(), 4U);
    }
}

class NoOutside final : public xenstore::Outside {
  public:
    xenstore::Result<hv::abi::XenstoreDomainInterface*> map_ring(hv::DomainId, uint64_t,
                                                                 uint32_t) override {
        return hv::Err{xenstore::Error::Invalid};
    }
    void unmap_ring(hv::DomainId) override {}
    void notify(hv::DomainId) override {}
    void print(std::string_view) override {}
};

// The service refuses to start with a tree that it does not understand.
TEST_F(Services, get_a_tree_that_the_service_takes) {
    manifest.has_xenstore = true;
    const Plan plan = assemble();
    xenstore::Config config;
    config.clients = 3;
    std::vector<std::byte> memory(xenstore::Server::memory_needed(config));
    NoOutside outside;
    xenstore::Server& server = xenstore::Server::start(memory, config, outside);
    for (uint16_t id = 1; id <= 3; ++id) {
        ASSERT_TRUE(server.add_domain(hv::DomainId{id}).ok());
    }
    const Bytes& tree = plan.modules[plan.graph.domains[3].initrd->module_index].bytes;
    const auto loaded = xenstore::load_tree(server, tree);
    ASSERT_TRUE(loaded.ok()) << static_cast<int>(loaded.error().fault) << " in record "
                             << loaded.error().record;
    const auto name = server.store().find("/local/domain/2/name");
    ASSERT_TRUE(name.is_it);
    std::array<char, 16> value{};
    server.store().memory().copy(server.store().tree().at(name.node).value, value);
    EXPECT_STREQ(value.data(), "db");
    const auto permissions = server.store().permissions(name.node);
    ASSERT_EQ(permissions.size(), 2U);  // nobody owns it, the domain reads it
    EXPECT_EQ(permissions[0].domain, hv::DomainId{0});
    EXPECT_EQ(permissions[1].domain, hv::DomainId{2});
}

}  // namespace
