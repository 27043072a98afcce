// SPDX-License-Identifier: Apache-2.0
// What domB tells services, read as they read it.
#include "domb/builder/launcher_plan.hpp"
#include "domb/builder/service_plan.hpp"
#include "domb/services/launcher/plan.hpp"

#include <cstring>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

namespace builder {
namespace {

using launch::Policy;
using launch::ReadyWhen;
using launch::Role;
using Kind = hv::abi::LauncherPlanDeviceKind;

class Plans : public testing::Test {
  protected:
    launch::Domain& add(std::string_view name, std::string_view path) {
        launch::Domain domain;
        domain.domid = hv::DomainId{static_cast<uint16_t>(graph_.domains.size() + 1)};
        domain.name = name;
        domain.path = path;
        EXPECT_TRUE(graph_.domains.push(domain).ok());
        return graph_.domains.back();
    }
    // A copy, aligned as it is in the domain.
    std::span<const std::byte> keep(std::span<const std::byte> plan) {
        aligned_.assign(plan.size() / sizeof(uint64_t) + 1, 0);
        memcpy(aligned_.data(), plan.data(), plan.size());
        return std::as_bytes(std::span{aligned_}).first(plan.size());
    }
    launch::LaunchGraph graph_;

  private:
    std::vector<uint64_t> aligned_;
};

// A driver domain with every field set, one that waits for it and has devices of each kind, the
// recovery domain, the console service, and the launcher itself.
class LauncherPlan : public Plans {
  protected:
    LauncherPlan() {
        auto& disks = add("disks", "/domains/0");
        disks.ready = {.when = ReadyWhen::Serving, .timeout_ms = 500};
        disks.on_failure = Policy::Halt;
        disks.on_crash = Policy::Recovery;
        auto& web = add("web", "/domains/1");
        EXPECT_TRUE(web.after.push("disks").ok() && web.after.push("console").ok());
        web.ready = {.when = ReadyWhen::Xenstore, .path = "data/up", .text = "yes"};
        EXPECT_TRUE(web.disks.push({.vdev = "xvda", .backend = "disks", .target = "/a"}).ok());
        EXPECT_TRUE(web.disks.push({.vdev = "xvdb1", .backend = "disks", .target = "/b"}).ok());
        EXPECT_TRUE(web.nets.push({.backend = "launcher", .bridge = "br"}).ok());
        EXPECT_TRUE(web.channels.push({.name = "c", .backend = "console"}).ok());
        add("rescue", "/domains/2").roles.add(Role::Recovery);
        add("console", "").roles.add(Role::Console);
        auto& launcher = add("launcher", "");
        launcher.roles.add(Role::Launcher);
        launcher.expected_end = launch::ExpectedEnd::Never;
    }
    launcher::Plan written() {
        static LauncherPlanBuffer buffer;
        buffer.fill(std::byte{0xee});
        const auto plan = launcher::read_plan(keep(write_launcher_plan(graph_, buffer)));
        EXPECT_TRUE(plan.has_value()) << "the launcher must take it";
        return plan.value_or(launcher::Plan{});
    }
};

TEST_F(LauncherPlan, has_every_domain_in_the_order_of_the_manifest) {
    const auto plan = written();
    EXPECT_EQ(plan.console, hv::DomainId{4});
    EXPECT_EQ(plan.xenstore, hv::DomainId{});
    ASSERT_EQ(plan.entries.size(), 5U);
    const auto& first = plan.entries[0];
    EXPECT_EQ(first.domid, 1);
    EXPECT_EQ(first.is_held + first.is_recovery + first.is_service, 0);
    EXPECT_EQ(launcher::ready_when(first), ReadyWhen::Serving);
    EXPECT_EQ(first.timeout_ms, 500U);
    EXPECT_EQ(first.on_failure, static_cast<uint8_t>(Policy::Halt));
    EXPECT_EQ(first.on_crash, static_cast<uint8_t>(Policy::Recovery));
    EXPECT_EQ(launcher::text_of(first.name), "disks");
    EXPECT_EQ(launcher::text_of(first.path), "/domains/0");
    EXPECT_EQ(plan.entries[2].is_held + plan.entries[2].is_recovery, 2);
    EXPECT_EQ(plan.entries[4].is_service, 1);
}

TEST_F(LauncherPlan, says_who_waits_for_whom_and_what_for) {
    const auto plan = written();
    ASSERT_EQ(plan.entries.size(), 5U);
    const auto& second = plan.entries[1];
    EXPECT_EQ(second.is_held, 1);
    EXPECT_EQ(second.after, 0b1001U);
    EXPECT_EQ(launcher::text_of(second.ready_path), "data/up");
    EXPECT_EQ(launcher::text_of(second.ready_text), "yes");
}

// Where Xenstore's initial tree has them.
TEST_F(LauncherPlan, names_each_device_and_its_back_end) {
    const auto plan = written();
    ASSERT_EQ(plan.entries.size(), 5U);
    const auto& second = plan.entries[1];
    ASSERT_EQ(second.device_count, 4U);
    const auto device = [&second](size_t i) {
        const auto& d = second.devices[i];
        return std::tuple{d.kind, d.id, d.backend};
    };
    EXPECT_EQ(device(0), (std::tuple{Kind::vbd, 51712U, uint16_t{1}}));  // xvda of Linux
    EXPECT_EQ(device(1), (std::tuple{Kind::vbd, 51729U, uint16_t{1}}));
    EXPECT_EQ(device(2), (std::tuple{Kind::vif, 0U, uint16_t{5}}));
    EXPECT_EQ(device(3), (std::tuple{Kind::console, 1U, uint16_t{4}}));
}

TEST_F(LauncherPlan, holds_as_many_domains_and_texts_as_a_graph) {
    const std::string name(launch::max_name_bytes, 'n');
    const std::string path(launch::max_ready_path_bytes, 'p');
    while (!graph_.domains.full()) {
        auto& domain = add(name, std::string_view{path});
        domain.ready = {.when = ReadyWhen::Xenstore, .path = path, .text = path};
        EXPECT_TRUE(domain.after.push("launcher").ok());
    }
    const auto plan = written();
    ASSERT_EQ(plan.entries.size(), launch::max_domains);
    const auto& last = plan.entries.back();
    EXPECT_EQ(launcher::text_of(last.name), name);
    EXPECT_EQ(launcher::text_of(last.path), path.substr(0, sizeof(last.path))) << "cut";
    EXPECT_EQ(launcher::text_of(last.ready_path), path);
    EXPECT_EQ(launcher::text_of(last.ready_text), path);
}

TEST_F(Plans, console_service_is_told_what_to_look_for) {
    const std::string longest(launch::max_ready_text_bytes, 'x');
    add("one", "/domains/0").ready = {.when = ReadyWhen::Console, .text = "login:"};
    add("console", "").roles.add(Role::Console);
    add("xenstore", "").roles.add(Role::Xenstore);
    add("four", "/domains/1").ready = {.when = ReadyWhen::Console, .text = longest};
    add("five", "/domains/2").ready = {.when = ReadyWhen::Xenstore, .path = "data", .text = "up"};
    static ServicePlanBuffer buffer;
    const auto plan = write_service_plan(graph_, Role::Console, buffer);
    const size_t at = sizeof(hv::abi::ServicePlan) + 4 * sizeof(hv::abi::ServicePlanEntry);
    struct Patterns {
        hv::abi::ConsolePatterns head;
        hv::abi::ConsolePattern list[2];
    } patterns{};
    ASSERT_EQ(plan.size(), at + sizeof(patterns));
    memcpy(&patterns, plan.data() + at, sizeof(patterns));
    EXPECT_EQ(patterns.head.count, 2U);
    EXPECT_EQ(patterns.list[0].domid, 1);
    EXPECT_EQ((std::string{patterns.list[0].text, patterns.list[0].bytes}), "login:");
    EXPECT_EQ(patterns.list[1].domid, 4);
    EXPECT_EQ((std::string{patterns.list[1].text, patterns.list[1].bytes}), longest);
    EXPECT_EQ(write_service_plan(graph_, Role::Xenstore, buffer).size(), at) << "none of its";
}

}  // namespace
}  // namespace builder
