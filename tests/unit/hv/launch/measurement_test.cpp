// SPDX-License-Identifier: Apache-2.0
// hv's part of the measurement, with a TPM that fails at some point, and what is done about it.
#include "hv/launch/launch.hpp"
#include "hv/launch/phase.hpp"
#include "measure/tcg/log.hpp"
#include "measure/tcg/log_reader.hpp"
#include "tests/unit/hv/launch/launch_machine.hpp"

#include <algorithm>

namespace {

using hv::hyperlaunch::cap_with_error;
using hv::hyperlaunch::enter_capped;
using hv::hyperlaunch::measurement;
using hv::hyperlaunch::Phase;
using hv::hyperlaunch::phase;
using hv::hyperlaunch::start_measurement;
using launch::Measurement;

struct Started : LaunchMachine {
    explicit Started(Measurement policy) {
        make_plan(policy);
        start_measurement(boot, plan);
        hv::hyperlaunch::keep_for_reaping(boot, plan);
    }
};

TEST(Measuring, good_tpm_has_everything) {
    alone([] {
        Started m{Measurement::Required};
        EXPECT_TRUE(measurement().is_active);
        EXPECT_EQ(measurement().locality, 2U);
        EXPECT_TRUE(m.says("event=measured-hv locality=2"));
        EXPECT_GT(measurement().log_used, 0U);
        EXPECT_TRUE(m.tis.is_idle()) << "domB is to find it so";
        EXPECT_EQ(m.tis.misuses(), 0);
    });
}

TEST(Measuring, required_stops_without_a_tpm) {
    alone([] {
        LaunchMachine m;
        m.make_plan(Measurement::Required);
        m.tis.is_absent = true;
        EXPECT_THROW(start_measurement(m.boot, m.plan), Stopped);
        EXPECT_TRUE(m.says("cannot measure: TPM: "));
        EXPECT_FALSE(m.says("capped")) << "nothing was extended";
    });
}

TEST(Measuring, required_goes_on_for_a_domain_that_starts_unmeasured) {
    alone([] {
        LaunchMachine m;
        m.make_plan(Measurement::Required);
        EXPECT_TRUE(m.plan.graph.domains.push({.start_unmeasured = true}).ok());
        m.tpm.fail_extends_after = 2;
        start_measurement(m.boot, m.plan);
        EXPECT_FALSE(measurement().is_active);
        EXPECT_TRUE(m.says("event=capped separator=error")) << "as far as that goes";
        EXPECT_TRUE(m.says("only the recovery domain will start"));
        EXPECT_EQ(measurement().log_used, 0U);
    });
}

TEST(Measuring, preferred_goes_on_without_a_tpm) {
    alone([] {
        LaunchMachine m;
        m.make_plan(Measurement::Preferred);
        m.tis.is_absent = true;
        start_measurement(m.boot, m.plan);
        EXPECT_FALSE(measurement().is_active);
        EXPECT_TRUE(m.says("going on unmeasured"));
        EXPECT_FALSE(m.says("capped"));
    });
}

TEST(Measuring, off_leaves_the_tpm_alone) {
    alone([] {
        Started m{Measurement::Off};
        EXPECT_EQ(m.tis.commands(), 0);
        EXPECT_FALSE(measurement().is_active);
    });
}

// Whatever the policy: nothing else checks domB before it runs.
TEST(Measuring, builder_that_the_plan_does_not_expect_stops_the_boot) {
    for (const Measurement policy : {Measurement::Required, Measurement::Off}) {
        for (const bool is_expected : {true, false}) {
            alone([&] {
                LaunchMachine m;
                m.make_plan(policy);
                const auto digests =
                    measure::hash(LaunchMachine::banks(), std::string_view{"the image of domB"});
                auto& expected = m.plan.graph.builder.expected_sha256.emplace();
                const auto digest = digests.get(measure::Algorithm::Sha256);
                std::copy(digest.begin(), digest.end(), expected.begin());
                if (!is_expected) {
                    expected.back() ^= std::byte{1};
                }
                std::string stopped_with;
                try {
                    start_measurement(m.boot, m.plan);
                } catch (const Stopped& stopped) {
                    stopped_with = stopped.message;
                }
                EXPECT_EQ(stopped_with.find("builder: domb has sha256 "),
                          is_expected ? std::string::npos : 0);
                EXPECT_EQ(stopped_with.empty(), is_expected) << stopped_with;
            });
        }
    }
}

// Under both policies what has been begun is capped.
TEST(Measuring, tpm_that_fails_half_way_is_said_not_to_be_capped) {
    for (const Measurement policy : {Measurement::Required, Measurement::Preferred}) {
        alone([&] {
            LaunchMachine m;
            m.make_plan(policy);
            m.tpm.fail_extends_after = 2;
            bool has_stopped = false;
            try {
                start_measurement(m.boot, m.plan);
            } catch (const Stopped& stopped) {
                has_stopped = stopped.message == "measurement is required: no domain is started";
            }
            EXPECT_EQ(has_stopped, policy == Measurement::Required);
            EXPECT_FALSE(measurement().is_active);
            EXPECT_TRUE(m.says("event=capped separator=error ok=no"));
            EXPECT_TRUE(m.says("event=fault text=the PCRs are not capped: TPM: "));
        });
    }
}

// The TPM refuses one command, is capped, and works again: the rest of the launch leaves it alone.
TEST(Measuring, launch_goes_on_without_what_was_capped) {
    alone([] {
        LaunchMachine m;
        m.make_plan(Measurement::Preferred);
        int answers = 0;
        m.tis.damage_response = [&](fake::Bytes& response) {
            if (++answers == 5) {
                response = {std::byte{0x80}, std::byte{1}, {}, {}, {}, std::byte{10}, {}, {},
                            std::byte{1},    std::byte{1}};  // TPM_RC_FAILURE
            }
        };
        start_measurement(m.boot, m.plan);
        hv::hyperlaunch::keep_for_reaping(m.boot, m.plan);
        EXPECT_TRUE(m.says("event=capped separator=error ok=yes"));
        EXPECT_TRUE(m.says("going on unmeasured"));
        EXPECT_EQ(measurement().log_used, 0U) << "domB knows of no log, and says so when it caps";
        EXPECT_FALSE(measurement().builder_image.empty());
        const int commands = m.tis.commands();
        EXPECT_TRUE(cap_with_error(m.plan)) << "once is enough";
        EXPECT_TRUE(enter_capped(false));
        EXPECT_EQ(m.tis.commands(), commands);
    });
}

TEST(Capping, working_tpm_takes_the_error_separator_in_every_pcr) {
    alone([] {
        Started m{Measurement::Required};
        const measure::DigestSet text = m.tpm.pcr(12), blobs = m.tpm.pcr(13),
                                 mirror = m.tpm.pcr(21);
        EXPECT_TRUE(cap_with_error(m.plan));
        EXPECT_TRUE(m.is_capped_with_error(12, text));
        EXPECT_TRUE(m.is_capped_with_error(13, blobs));
        EXPECT_NE(m.tpm.pcr(21), mirror);
        EXPECT_TRUE(m.says("event=capped separator=error ok=yes"));
        EXPECT_FALSE(m.says("not capped"));
        EXPECT_TRUE(m.tis.is_idle()) << "whoever gets it finds it so";
        EXPECT_TRUE(measurement().is_active) << "whoever gets it can prove that it failed";
    });
}

// domB dies between two events, of which hv knows nothing.
TEST(Capping, error_separators_follow_what_domb_has_logged) {
    alone([] {
        Started m{Measurement::Required};
        const size_t known = measurement().log_used;
        measure::LogWriter log{measurement().log, known};
        const measure::DigestSet digests = measure::hash(LaunchMachine::banks(), "of domB");
        ASSERT_TRUE(log.append({hv::PcrIndex{12}, measure::EventType::EV_IPL, digests, {}}).ok());
        const size_t records = measure::log_extent(measurement().log).records;
        EXPECT_TRUE(cap_with_error(m.plan));
        EXPECT_EQ(measure::log_extent(measurement().log).records, records + 3);
        EXPECT_EQ(measure::log_extent(measurement().log).bytes, measurement().log_used);
    });
}

// However it is broken: dead, deaf, out of its mind.
TEST(Capping, broken_tpm_is_said_not_to_be_capped) {
    const std::vector<std::function<void(LaunchMachine&)>> faults{
        [](LaunchMachine& m) { m.tis.is_absent = true; },
        [](LaunchMachine& m) { m.tis.commands_until_hang = 0; },
        [](LaunchMachine& m) { m.tpm.fail_extends_after = 0; },
        [](LaunchMachine& m) {
            m.tis.denied_localities = {0, 1, 2, 3, 4};
        },
        [](LaunchMachine& m) {
            m.tis.damage_response = [](fake::Bytes& response) { response.assign(3, {}); };
        },
    };
    for (const auto& fault : faults) {
        alone([&] {
            Started m{Measurement::Preferred};
            fault(m);
            EXPECT_FALSE(cap_with_error(m.plan));
            EXPECT_TRUE(m.says("event=capped separator=error ok=no"));
            EXPECT_TRUE(m.says("event=fault text=the PCRs are not capped: TPM: "));
            EXPECT_FALSE(measurement().is_active) << "no domain may get it";
        });
    }
}

TEST(Capping, tpm_that_fails_at_the_last_pcr_is_not_capped) {
    alone([] {
        Started m{Measurement::Preferred};
        m.tpm.fail_extends_after = 6 + 2;  // hv's three events with their mirrors, two separators
        EXPECT_FALSE(cap_with_error(m.plan));
        EXPECT_TRUE(m.says("ok=no"));
    });
}

TEST(Capping, nothing_measured_needs_no_cap) {
    alone([] {
        Started m{Measurement::Off};
        EXPECT_TRUE(cap_with_error(m.plan));
        EXPECT_EQ(m.tis.commands(), 0);
        EXPECT_TRUE(enter_capped(false));
        EXPECT_EQ(phase(), Phase::Capped);
    });
}

TEST(Capping, required_never_goes_on_unmeasured) {
    alone([] {
        Started m{Measurement::Required};
        m.tis.is_absent = true;
        EXPECT_FALSE(enter_capped(false));
        EXPECT_EQ(phase(), Phase::Prepare);
        m.tis.is_absent = false;
        EXPECT_FALSE(enter_capped(false)) << "nor when the TPM works again";
        EXPECT_EQ(phase(), Phase::Prepare);
    });
}

TEST(Capping, preferred_goes_on_without_the_tpm_if_that_cannot_be_capped) {
    alone([] {
        Started m{Measurement::Preferred};
        m.tis.commands_until_hang = 0;
        EXPECT_TRUE(enter_capped(false));
        EXPECT_EQ(phase(), Phase::Capped);
        EXPECT_FALSE(measurement().is_active);
        EXPECT_TRUE(m.says("the PCRs are not capped"));
        EXPECT_TRUE(m.says("event=capped measured=no"));
    });
}

TEST(Capping, measured_launch_is_capped_by_domb) {
    alone([] {
        Started m{Measurement::Required};
        const int commands = m.tis.commands();
        EXPECT_TRUE(enter_capped(true));
        EXPECT_EQ(m.tis.commands(), commands);
        EXPECT_TRUE(m.says("event=capped measured=yes"));
        EXPECT_TRUE(measurement().is_active);
    });
}

}  // namespace
