// SPDX-License-Identifier: Apache-2.0
// How long the machine stays on for domains that are held.
#include "tests/unit/hv/launch/launched.hpp"

namespace order {
namespace {

TEST(MachineOff, held_domain_keeps_the_machine_on_while_the_launcher_lives) {
    alone([] {
        Launched m;
        ASSERT_EQ(m.begin(), std::nullopt);
        EXPECT_EQ(m.end(m.first), std::nullopt);
        m.machine.inside.insert(&m.launcher.domain());  // it may be about to start it
        EXPECT_EQ(m.end(m.launcher, End::Crash), std::nullopt);
        m.machine.inside.clear();
        EXPECT_EQ(m.off(), MachineStatus::Unexpected);
    });
}

TEST(MachineOff, without_a_launcher_a_held_domain_is_waited_for_by_nobody) {
    alone([] {
        Launched m;
        m.launcher.domain().state = State::Refused;
        ASSERT_EQ(m.begin(), std::nullopt) << "the first one runs";
        EXPECT_EQ(m.end(m.first), MachineStatus::Unexpected);
    });
    alone([] {
        Launched m;
        m.launcher.domain().state = State::Refused;
        m.first.domain().is_held = true;
        EXPECT_EQ(m.begin(), MachineStatus::Unexpected) << "nobody will ever run";
    });
}

TEST(MachineOff, recovery_domain_that_was_not_needed_counts_for_nothing) {
    for (const bool is_stopped : {false, true}) {
        alone([&] {
            Launched m;
            ASSERT_EQ(m.begin(), std::nullopt);
            ASSERT_EQ(code(start_held(DomainId{3})), 0);
            if (is_stopped) {
                EXPECT_EQ(code(stop(m.launcher.domain(), DomainId{4})), 0);
                EXPECT_EQ(m.off(), std::nullopt);
            }
            EXPECT_EQ(m.end(m.second), std::nullopt);
            EXPECT_EQ(m.end(m.first), MachineStatus::Ok);
        });
    }
}

// The last domain fails, and the launcher has heard of it only now.
TEST(MachineOff, waits_until_the_launcher_has_decided_about_recovery) {
    for (const bool is_recovering : {false, true}) {
        alone([&] {
            Launched m;
            ASSERT_EQ(m.begin(), std::nullopt);
            ASSERT_EQ(code(start_held(DomainId{3})), 0);
            EXPECT_EQ(m.end(m.second), std::nullopt);
            EXPECT_EQ(m.end(m.first, End::Crash), std::nullopt);
            if (is_recovering) {
                ASSERT_EQ(m.recover("why"), 0);
                EXPECT_EQ(m.off(), std::nullopt);
                EXPECT_EQ(m.end(m.recovery), MachineStatus::Unexpected);
            } else {
                EXPECT_EQ(code(stop(m.launcher.domain(), DomainId{4})), 0);
                EXPECT_EQ(m.off(), MachineStatus::Unexpected);
            }
        });
    }
    alone([] {
        Launched m;
        ASSERT_EQ(m.begin(), std::nullopt);
        ASSERT_EQ(code(start_held(DomainId{3})), 0);
        EXPECT_EQ(m.end(m.second), std::nullopt);
        EXPECT_EQ(m.end(m.first, End::Crash), std::nullopt);
        EXPECT_EQ(m.end(m.launcher, End::Crash), MachineStatus::Unexpected) << "nobody decides";
    });
}

TEST(MachineOff, recovery_domain_that_runs_counts_like_any_other) {
    alone([] {
        Launched m;
        ASSERT_EQ(m.begin(), std::nullopt);
        ASSERT_EQ(m.recover("why"), 0);
        ASSERT_EQ(code(start_held(DomainId{3})), 0);
        EXPECT_EQ(m.end(m.second), std::nullopt);
        EXPECT_EQ(m.end(m.first), std::nullopt);
        EXPECT_EQ(m.end(m.recovery, End::Crash), MachineStatus::Unexpected);
    });
}

}  // namespace
}  // namespace order
