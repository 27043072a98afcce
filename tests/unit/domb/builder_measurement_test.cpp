// SPDX-License-Identifier: Apache-2.0
// What the builder does without a TPM, and when it fails, under each policy.
#include "tests/unit/domb/builder_fixture.hpp"

namespace builder {
namespace {

using hv::abi::LaunchOutcome;

class BuilderMeasurement : public BuilderFixture {};

TEST_F(BuilderMeasurement, under_required_fails_at_every_tpm_error) {
    add_domain("one", "/domains/0", true);
    add_domain("two", "/domains/1", true);
    constexpr int event_count = 8;
    for (int n = 0; n < event_count; ++n) {
        hypervisor = {};
        FakeEvents failing;
        failing.fail_after = n;
        EXPECT_EQ(build(&failing), Outcome::Failed) << n;
        EXPECT_FALSE(hypervisor.capped.has_value());
        EXPECT_TRUE(failing.finished);
        EXPECT_EQ(outcome(2), n < 6 ? LaunchOutcome::Refused : LaunchOutcome::Ready) << n;
        EXPECT_NE(hypervisor.printed.find("TPM"), std::string::npos);
    }
}

TEST_F(BuilderMeasurement, under_required_starts_nothing_without_a_tpm) {
    add_domain("one", "/domains/0", true);
    EXPECT_EQ(build(nullptr), Outcome::Failed);
    EXPECT_EQ(outcome(1), LaunchOutcome::Refused);
    EXPECT_TRUE(hypervisor.domains[1].ram.empty());
    EXPECT_EQ(hypervisor.records,
              (std::vector<std::string>{"event=domain-built domid=1 outcome=refused "
                                        "reason=not-measured path=/domains/0"}));
}

TEST_F(BuilderMeasurement, under_required_builds_who_starts_unmeasured) {
    add_domain("one", "/domains/0", true);
    add_domain("rescue", "/domains/1", true).start_unmeasured = true;
    add_domain("three", "/domains/2", true);
    for (FakeEvents* failing : {static_cast<FakeEvents*>(nullptr), &events}) {
        hypervisor = {};
        events.fail_after = 4;  // in the second domain
        EXPECT_EQ(build(failing), Outcome::Capped);
        EXPECT_EQ(outcome(1), failing == nullptr ? LaunchOutcome::Refused : LaunchOutcome::Ready);
        EXPECT_EQ(outcome(2), LaunchOutcome::Ready);
        EXPECT_EQ(outcome(3), LaunchOutcome::Refused);
        ASSERT_TRUE(hypervisor.capped.has_value());
        EXPECT_FALSE(hypervisor.capped->second) << "hv starts that one alone";
        EXPECT_NE(hypervisor.printed.find("measurement has failed"), std::string::npos);
    }
}

TEST_F(BuilderMeasurement, under_preferred_goes_on_unmeasured) {
    graph.measurement = launch::Measurement::Preferred;
    add_domain("one", "/domains/0", true);
    events.fail_after = 1;
    EXPECT_EQ(build(&events), Outcome::Capped);
    EXPECT_EQ(outcome(1), LaunchOutcome::Ready);
    ASSERT_TRUE(hypervisor.capped.has_value());
    EXPECT_FALSE(hypervisor.capped->second);
}

TEST_F(BuilderMeasurement, caps_the_log_of_hv_when_the_tpm_cannot_be_opened) {
    graph.measurement = launch::Measurement::Preferred;
    log_used_before = 1234;
    add_domain("one", "/domains/0", true);
    EXPECT_EQ(build(nullptr), Outcome::Capped);
    EXPECT_EQ(hypervisor.capped, std::pair(uint64_t{1234}, false));
}

TEST_F(BuilderMeasurement, under_off_measures_nothing_and_says_nothing) {
    graph.measurement = launch::Measurement::Off;
    add_domain("one", "/domains/0", true);
    EXPECT_EQ(build(nullptr), Outcome::Capped);
    EXPECT_EQ(outcome(1), LaunchOutcome::Ready);
    EXPECT_EQ(hypervisor.capped, std::pair(uint64_t{0}, false));
    EXPECT_EQ(hypervisor.printed, "");
}

}  // namespace
}  // namespace builder
