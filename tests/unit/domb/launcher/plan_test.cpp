// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/domb/launcher/plan_bytes.hpp"

#include <gtest/gtest.h>

namespace launcher::test {
namespace {

TEST(LauncherPlan, is_read_as_it_was_written) {
    PlanBytes written;
    written.head.console = 3;
    written.add("storage");
    written.add("app", {0});
    const auto plan = read_plan(written.bytes());
    ASSERT_TRUE(plan);
    EXPECT_EQ(plan->console, hv::DomainId{3});
    EXPECT_EQ(plan->xenstore, hv::DomainId{0});
    ASSERT_EQ(plan->entries.size(), 2);
    EXPECT_EQ(text_of(plan->entries[1].name), "app");
    EXPECT_EQ(plan->entries[1].after, 1);
    EXPECT_EQ(plan->find(hv::DomainId{2}), &plan->entries[1]);
    EXPECT_EQ(plan->find(hv::DomainId{3}), nullptr);
}

TEST(LauncherPlan, of_a_full_launch_is_read) {
    PlanBytes written;
    for (size_t i = 0; i < max_entries; ++i) {
        written.add("d");
    }
    written.entries[31].after = 0x7fff'ffff;
    EXPECT_TRUE(read_plan(written.bytes()));
    written.add("one too many");
    EXPECT_FALSE(read_plan(written.bytes()));
}

TEST(LauncherPlan, of_a_wrong_form_is_none) {
    PlanBytes good;
    good.add("storage");
    good.add("app", {0});
    const auto bytes = good.bytes();
    ASSERT_TRUE(read_plan(bytes));
    for (size_t size = 0; size < bytes.size(); size += 4) {
        EXPECT_FALSE(read_plan(bytes.first(size))) << size;
    }
    const auto is_refused = [&good](auto change) {
        PlanBytes changed = good;
        change(changed);
        return !read_plan(changed.bytes());
    };
    EXPECT_TRUE(is_refused([](PlanBytes& p) { ++p.head.magic; }));
    EXPECT_TRUE(is_refused([](PlanBytes& p) { p.entries[1].domid = p.entries[0].domid; }));
    EXPECT_TRUE(is_refused([](PlanBytes& p) { p.entries[1].after = 2; }));
    EXPECT_TRUE(is_refused([](PlanBytes& p) { p.entries[1].after = 4; }));
    EXPECT_TRUE(is_refused([](PlanBytes& p) { p.entries[1].ready_when = 5; }));
    EXPECT_TRUE(is_refused([](PlanBytes& p) { p.entries[1].on_failure = 3; }));
    EXPECT_TRUE(is_refused([](PlanBytes& p) { p.entries[1].on_crash = 3; }));
    EXPECT_TRUE(is_refused([](PlanBytes& p) { p.entries[1].device_count = 17; }));
    EXPECT_TRUE(is_refused([](PlanBytes& p) {
        p.entries[1].device_count = 1;
        p.entries[1].devices[0].kind = LauncherPlanDeviceKind{3};
    }));
}

TEST(LauncherPlan, texts_may_fill_their_field) {
    PlanBytes written;
    EXPECT_EQ(text_of(written.add(std::string(64, 'n')).name), std::string(64, 'n'));
    EXPECT_EQ(text_of(written.entries[0].ready_text), "");
}

}  // namespace
}  // namespace launcher::test
