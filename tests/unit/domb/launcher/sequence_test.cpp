// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/domb/launcher/fake_world.hpp"

namespace launcher::test {
namespace {

using launch::Policy;
using launch::ReadyWhen;

TEST(Sequence, a_chain_of_started_domains_starts_at_once_in_order) {
    Launch m;
    m.add("a");
    m.add("c", {2});
    m.add("b", {0});
    m.begin();
    EXPECT_EQ(m.world.take_done(), "");
    EXPECT_EQ(m.world.take_recorded(),
              "event=domain-waiting domid=2 name=c after=b\n"
              "event=domain-waiting domid=3 name=b after=a\n"
              "event=domain-ready domid=1 name=a when=started\n"
              "event=domain-ready domid=3 name=b when=started");
    EXPECT_EQ(m.world.fates[2].state, hv::abi::LaunchState::Running);
    EXPECT_EQ(m.sequence->deadline_ns(), 0U);
}

// Storage and net, two applications: the second waits for both.
struct Chain : ::testing::Test {
    Chain() {
        set_ready(m.add("storage"), ReadyWhen::Xenstore, "data/ready");
        m.add("one", {0});
        set_ready(m.add("net"), ReadyWhen::Console, "", "login:");
        m.add("two", {0, 2});
        m.written.head.console = 9;
        m.written.head.xenstore = 8;
    }
    Launch m;
};

TEST_F(Chain, domains_wait_until_all_they_wait_for_are_ready) {
    m.begin();
    EXPECT_EQ(m.step(), "");
    EXPECT_TRUE(m.sequence->is_awaited(0));
    EXPECT_FALSE(m.sequence->is_awaited(1));
    m.nodes.set(0, "now");
    EXPECT_EQ(m.step(), "start 2");
    EXPECT_FALSE(m.sequence->is_awaited(0));
    EXPECT_EQ(m.sequence->deadline_ns(), 61 * second_ns) << "net's";
    m.nodes.set(0, std::nullopt);
    m.nodes.set(1, "1");
    EXPECT_EQ(m.step(), "start 4") << "who has been ready is ready";
    EXPECT_EQ(m.sequence->deadline_ns(), 0U);
    EXPECT_EQ(m.world.printed.size(), 0U);
}

TEST_F(Chain, who_is_late_and_ignored_counts_as_ready) {
    m.begin();
    m.nodes.set(1, "1");
    EXPECT_EQ(m.step(59.9), "");
    m.world.take_recorded();
    EXPECT_EQ(m.step(0.2), "start 2, start 4");
    EXPECT_EQ(m.world.take_recorded(),
              "event=domain-failed domid=1 name=storage reason=domain%20\"storage\"%20(/domains/0/"
              "ready):%20not%20ready%20within%2060%20s:%20data/ready%20is%20not%20there "
              "policy=ignore");
    EXPECT_EQ(m.world.printed.back(),
              "domain \"storage\" (/domains/0/ready): not ready within 60 s: data/ready is not "
              "there");
}

TEST_F(Chain, a_time_limit_counts_from_the_domains_own_start) {
    set_ready(m.written.entries[1], ReadyWhen::Xenstore, "data/up", "yes");
    m.written.entries[1].timeout_ms = 1500;
    m.begin();
    EXPECT_EQ(m.step(10), "");
    m.nodes.set(0, "now");
    EXPECT_EQ(m.step(), "start 2");
    EXPECT_EQ(m.sequence->deadline_ns(), m.now_ns + 1'500'000'000);
    m.nodes.set(1, "no\nnever");
    EXPECT_EQ(m.step(1.49), "");
    EXPECT_TRUE(m.world.printed.empty());
    EXPECT_EQ(m.step(0.02), "");
    ASSERT_EQ(m.world.printed.size(), 1U);
    EXPECT_EQ(m.world.printed[0],
              "domain \"one\" (/domains/1/ready): not ready within 1500 ms: data/up is "
              "\"no?never\"");
}

TEST_F(Chain, what_a_domain_wrote_before_its_end_counts) {
    m.begin();
    m.world.set_ended(1, "poweroff", true);
    EXPECT_EQ(m.step(), "");
    EXPECT_EQ(m.sequence->deadline_ns(), m.now_ns + last_news_ns);
    m.nodes.set(0, "now");
    EXPECT_EQ(m.step(0.5), "start 2");
    EXPECT_TRUE(m.world.printed.empty());
}

TEST_F(Chain, who_ends_before_it_is_ready_has_failed) {
    set_policy(m.written.entries[0], Policy::Halt, Policy::Ignore);
    m.begin();
    m.world.set_ended(1, "poweroff", true);
    EXPECT_EQ(m.step(), "");
    EXPECT_EQ(m.step(1.1), "end 2, end 3, end 4");
    ASSERT_EQ(m.world.printed.size(), 2U);
    EXPECT_EQ(m.world.printed[0],
              "domain \"storage\" (/domains/0/ready): ended by poweroff before it was ready: "
              "data/ready is not there");
}

TEST_F(Chain, without_xenstore_time_limits_say_so) {
    m.written.head.xenstore = 0;
    m.begin();
    EXPECT_EQ(m.step(61), "start 2, start 4");
    EXPECT_EQ(m.world.printed.at(0),
              "domain \"storage\" (/domains/0/ready): not ready within 60 s: there is no "
              "Xenstore");
}

TEST_F(Chain, when_xenstore_has_ended_time_limits_say_so) {
    Entry& store = m.add("xenstore");
    store.domid = 8;
    store.is_service = 1;
    m.begin();
    m.world.set_ended(8, "crash", false);
    EXPECT_EQ(m.step(), "");
    EXPECT_EQ(m.step(61), "start 2, start 4");
    EXPECT_EQ(m.world.printed.at(0), "domain \"xenstore\" (/domains/4): ended by crash");
    EXPECT_EQ(m.world.printed.at(1),
              "domain \"storage\" (/domains/0/ready): not ready within 60 s: Xenstore has ended, "
              "and last data/ready is not there");
}

// A driver domain, two that wait for it, one that does not, a service, and a recovery domain.
struct Failures : ::testing::Test {
    Failures() {
        m.add("driver");
        m.add("app", {0});
        m.add("tool");
        Entry& service = m.add("console");
        service.is_service = 1;
        m.add("later", {1});
        m.add_recovery();
    }
    Entry& driver() { return m.written.entries[0]; }
    Launch m;
};

TEST_F(Failures, recovery_starts_with_the_reason_and_what_has_not_started_never_does) {
    set_policy(driver(), Policy::Recovery, Policy::Ignore);
    m.world.set_refused(1, "/domains/0/kernel: not-an-elf");
    m.begin();
    EXPECT_EQ(m.world.take_done(), "") << "taken by begin()";
    EXPECT_EQ(m.world.recovery_reason,
              "domain \"driver\" (/domains/0): refused: /domains/0/kernel: not-an-elf");
    EXPECT_EQ(m.world.fates[2].state, hv::abi::LaunchState::Ended);
    EXPECT_EQ(m.world.fates[3].state, hv::abi::LaunchState::Running);
    EXPECT_EQ(m.world.fates[4].state, hv::abi::LaunchState::Running);
    EXPECT_EQ(m.world.fates[6].state, hv::abi::LaunchState::Running);
    EXPECT_EQ(m.step(100), "");
}

TEST_F(Failures, halt_ends_all_but_services) {
    set_policy(driver(), Policy::Halt, Policy::Ignore);
    m.world.set_refused(1, "/domains/0/kernel: not-an-elf");
    m.begin();
    EXPECT_EQ(m.world.fates[4].state, hv::abi::LaunchState::Running);
    for (const uint16_t ended : std::initializer_list<uint16_t>{2, 3, 5, 6}) {
        EXPECT_EQ(m.world.fates[ended].state, hv::abi::LaunchState::Ended) << ended;
    }
    EXPECT_EQ(m.world.printed.back(), "every domain is ended");
    EXPECT_EQ(m.step(1), "");
    EXPECT_EQ(m.sequence->deadline_ns(), 0U);
}

// The record waits for nobody, and its reader finds the cause before the effect.
TEST_F(Failures, people_are_told_after_all_has_been_done) {
    set_policy(driver(), Policy::Ignore, Policy::Recovery);
    set_policy(m.written.entries[1], Policy::Ignore, Policy::Halt);
    m.begin();
    m.world.take_story();
    m.world.set_ended(1, "crash", false);
    m.step();
    EXPECT_EQ(m.world.take_story(), "record, recover 6, print");
    m.world.set_ended(2, "crash", false);
    m.step();
    EXPECT_EQ(m.world.take_story(), "record, end 3, end 5, end 6, print, print");
}

TEST_F(Failures, ignored_refusal_lets_others_start) {
    m.world.set_refused(1, "kernel");
    m.begin();
    EXPECT_EQ(m.world.fates[5].state, hv::abi::LaunchState::Running);
    EXPECT_EQ(m.world.fates[6].state, hv::abi::LaunchState::Held);
    EXPECT_EQ(m.world.printed.size(), 1U);
}

TEST_F(Failures, who_ends_as_expected_has_not_crashed) {
    set_policy(driver(), Policy::Halt, Policy::Halt);
    m.begin();
    m.world.set_ended(1, "poweroff", true);
    EXPECT_EQ(m.step(), "");
    EXPECT_TRUE(m.world.printed.empty());
}

TEST_F(Failures, crash_of_one_that_was_ready_has_its_own_policy) {
    set_policy(driver(), Policy::Halt, Policy::Recovery);
    m.begin();
    m.world.set_ended(1, "crash", false);
    EXPECT_EQ(m.step(), "recover 6") << "nobody was still held";
    EXPECT_EQ(m.world.recovery_reason, "domain \"driver\" (/domains/0): ended by crash");
    EXPECT_EQ(m.step(), "") << "once";
}

TEST_F(Failures, service_that_crashes_has_its_policy) {
    set_policy(m.written.entries[3], Policy::Ignore, Policy::Recovery);
    m.begin();
    m.world.set_ended(4, "crash", false);
    EXPECT_EQ(m.step(), "recover 6");
}

TEST_F(Failures, after_recovery_only_halt_still_counts) {
    set_policy(driver(), Policy::Ignore, Policy::Recovery);
    set_policy(m.written.entries[1], Policy::Ignore, Policy::Recovery);
    set_policy(m.written.entries[2], Policy::Ignore, Policy::Halt);
    m.begin();
    m.world.set_ended(1, "crash", false);
    EXPECT_EQ(m.step(), "recover 6");
    m.world.set_ended(2, "triple-fault", false);
    EXPECT_EQ(m.step(), "");
    EXPECT_NE(m.world.take_recorded().find("event=domain-failed domid=2 name=app"),
              std::string::npos);
    m.world.set_ended(3, "crash", false);
    EXPECT_EQ(m.step(), "end 5, end 6");
}

TEST_F(Failures, recovery_domain_that_crashes_is_recorded) {
    set_policy(driver(), Policy::Ignore, Policy::Recovery);
    set_policy(m.written.entries[5], Policy::Recovery, Policy::Recovery);
    m.begin();
    m.world.set_ended(1, "crash", false);
    EXPECT_EQ(m.step(), "recover 6");
    m.world.set_ended(6, "crash", false);
    EXPECT_EQ(m.step(), "");
    EXPECT_EQ(m.world.printed.back(), "domain \"recovery\" (/domains/5): ended by crash");
}

TEST_F(Failures, refused_recovery_domain_stops_nobody) {
    set_policy(m.written.entries[5], Policy::Recovery, Policy::Recovery);
    m.world.set_refused(6, "kernel");
    m.begin();
    EXPECT_EQ(m.world.fates[5].state, hv::abi::LaunchState::Running);
    EXPECT_TRUE(m.world.recovery_reason.empty());
}

TEST_F(Failures, recovery_domain_is_released_when_nobody_can_fail_any_more) {
    m.begin();
    for (const uint16_t domid : std::initializer_list<uint16_t>{1, 2, 3}) {
        m.world.set_ended(domid, "poweroff", true);
    }
    EXPECT_EQ(m.step(), "");
    m.world.set_ended(5, "poweroff", true);
    EXPECT_EQ(m.step(), "end 6");
    EXPECT_EQ(m.step(), "");
}

TEST_F(Failures, last_domains_crash_still_starts_recovery) {
    m.begin();
    for (const uint16_t domid : std::initializer_list<uint16_t>{1, 2, 3}) {
        m.world.set_ended(domid, "poweroff", true);
    }
    m.step();
    m.written.entries[4].on_crash = static_cast<uint8_t>(Policy::Recovery);
    Launch again;
    again.written = m.written;
    again.begin();
    for (const uint16_t domid : std::initializer_list<uint16_t>{1, 2, 3}) {
        again.world.set_ended(domid, "poweroff", true);
    }
    again.world.set_ended(5, "crash", false);
    EXPECT_EQ(again.step(), "recover 6");
}

TEST_F(Failures, who_cannot_be_started_has_failed) {
    m.world.unstartable = 2;
    set_policy(m.written.entries[1], Policy::Recovery, Policy::Ignore);
    m.begin();
    EXPECT_EQ(m.world.recovery_reason, "domain \"app\" (/domains/1): cannot be started: error 22");
}

TEST_F(Failures, late_domain_runs_on_while_recovery_does) {
    set_ready(driver(), ReadyWhen::Xenstore, "data/up");
    set_policy(driver(), Policy::Recovery, Policy::Halt);
    m.written.head.xenstore = 4;
    m.begin();
    EXPECT_EQ(m.step(61), "end 2, end 5, recover 6");
    EXPECT_EQ(m.world.fates[1].state, hv::abi::LaunchState::Running);
    m.world.set_ended(1, "crash", false);
    EXPECT_EQ(m.step(), "end 3, end 6") << "its crash has a policy of its own";
}

TEST(Sequence, waits_for_domains_that_hv_is_about_to_start) {
    Launch m;
    m.add("a");
    m.add("b", {0});
    m.world.fates[1] = {.domid = 1, .state = hv::abi::LaunchState::Held};
    m.begin();
    EXPECT_EQ(m.world.fates[2].state, hv::abi::LaunchState::Held);
    EXPECT_EQ(m.sequence->deadline_ns(), m.now_ns + 10'000'000);
    m.world.fates[1].state = hv::abi::LaunchState::Running;
    EXPECT_EQ(m.step(0.01), "start 2");
    EXPECT_EQ(m.sequence->deadline_ns(), 0U);
}

TEST(Sequence, chain_of_failures_gives_up_whoever_waits) {
    Launch m;
    set_policy(m.add("a"), Policy::Recovery, Policy::Ignore);
    m.add("b", {0});
    m.add("c", {1});
    m.world.set_refused(1, "kernel");
    m.begin();
    EXPECT_EQ(m.world.fates[2].state, hv::abi::LaunchState::Ended);
    EXPECT_EQ(m.world.fates[3].state, hv::abi::LaunchState::Ended) << "without a recovery domain";
    EXPECT_EQ(m.step(), "");
}

TEST(Sequence, longest_names_and_reasons_stay_whole_lines) {
    Launch m;
    for (int i = 0; i < 31; ++i) {
        m.add(std::string(64, '+'));
    }
    Entry& last = m.add(std::string(64, '%'));
    last.after = 0x7fff'ffff;
    last.is_held = 1;
    set_text(last.path, std::string(64, '/'));
    m.world.set_refused(32, std::string(96, '\x01'));
    m.begin();
    for (const std::string& line : m.world.recorded) {
        EXPECT_LE(line.size(), 512U);
        for (size_t at = line.find('%'); at != std::string::npos; at = line.find('%', at + 1)) {
            ASSERT_LE(at + 3, line.size());
            EXPECT_TRUE(isxdigit(line[at + 1]) && isxdigit(line[at + 2])) << line;
        }
    }
    EXPECT_NE(m.world.recorded.back().find("policy=ignore"), std::string::npos)
        << m.world.recorded.back();
}

}  // namespace
}  // namespace launcher::test
