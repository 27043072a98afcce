// SPDX-License-Identifier: Apache-2.0
// Domains that are held: who may start and end them, what the launcher hears of them, and how long
// the machine stays on for them.
#include "hv/launch/order.hpp"

#include "hv/abi/launch_op.hpp"
#include "hv/launch/create.hpp"
#include "hv/launch/launch_op.hpp"
#include "hv/launch/phase.hpp"
#include "tests/unit/hv/launch/launch_machine.hpp"

#include <array>
#include <cstring>
#include <optional>

namespace {

using hv::DomainId;
using hv::abi::Errno;
using hv::abi::LaunchFate;
using hv::abi::LaunchOp;
using hv::abi::LaunchState;
using hv::dev::MachineStatus;
using hv::domain::End;
using hv::domain::State;
using hv::hyperlaunch::reap;
using hv::hyperlaunch::start_held;
using hv::hyperlaunch::stop;
using launch::Role;

constexpr std::array<uint16_t, 5> nobodies{0, 5, 0x7fe0, 0x7ff0, 0xffff};

constexpr int number(Errno error) {
    return static_cast<int>(error);
}
template <class T>
int code(const hv::Result<T, Errno>& result) {
    return result.ok() ? 0 : number(result.error());
}

// Some port of a domain is in use.
bool has_ports(FakeDomain& d) {
    for (uint32_t n = 1; n < FakeDomain::port_count; ++n) {
        const auto status = hv::event::status(d.domain(), hv::EvtchnPort{n});
        if (status.ok() && status.value().state != hv::abi::EvtchnStat::EVTCHNSTAT_closed) {
            return true;
        }
    }
    return false;
}

// A launch that domB has completed: a launcher, which is a service, a domain that starts at once,
// one that waits for it, the recovery domain, and one that domB has refused.
struct Launched : LaunchMachine {
    Launched() {
        make_plan(launch::Measurement::Off);
        hv::hyperlaunch::keep_for_reaping(boot, plan);
        for (FakeDomain* d : {&launcher, &first, &second, &recovery}) {
            d->domain().state = State::Built;
        }
        launcher.domain().roles.add(Role::Launcher);
        launcher.domain().expected_end = launch::ExpectedEnd::Never;
        second.domain().is_held = true;
        recovery.domain().is_held = true;
        recovery.domain().roles.add(Role::Recovery);
        const hv::Mfn page = machine.take_frames(1, hv::mm::FrameUse::Guest, recovery.id());
        EXPECT_TRUE(
            recovery.domain()
                .p2m.map(hv::hyperlaunch::recovery_reason_gfn, page, 1, hv::mm::Access::ReadWrite)
                .ok());
        builder.domain().is_builder = true;
    }
    // domB ends; 0 if the machine is still on, else how it went off.
    std::optional<MachineStatus> begin() {
        EXPECT_TRUE(hv::hyperlaunch::enter_capped(false));
        hv::domain::end(builder.domain(), End::Poweroff, "");
        return off();
    }
    std::optional<MachineStatus> off() {
        try {
            reap();
            return std::nullopt;
        } catch (const PoweredOff& status) {
            return status.status;
        }
    }
    std::optional<MachineStatus> end(FakeDomain& d, End why = End::Poweroff) {
        hv::domain::end(d.domain(), why, "");
        return off();
    }
    bool runs(FakeDomain& d) {
        return d.domain().state == State::Running && machine.sched.online.count(&d.vcpu()) != 0 &&
               machine.sched.online.at(&d.vcpu());
    }
    // By the launcher's vCPU: 0, or the errno.
    template <class T>
    int call(LaunchOp what, T& value) {
        launcher.at<T>(argument) = value;
        const int result = op(what, argument);
        value = launcher.at<T>(argument);
        return result;
    }
    int op(LaunchOp what, uint64_t at) {
        return code(hv::hyperlaunch::handle_launch_op(launcher.vcpu(), static_cast<uint64_t>(what),
                                                      hv::GuestVaddr{at}));
    }
    int record(std::string_view line) {
        std::memcpy(&launcher.at<char>(text), line.data(), line.size());
        hv::abi::LaunchRecord request{text, static_cast<uint32_t>(line.size()), 0};
        return call(LaunchOp::Record, request);
    }
    int recover(std::string_view reason) {
        std::memcpy(&launcher.at<char>(text), reason.data(), reason.size());
        hv::abi::LaunchRecovery request{text, static_cast<uint32_t>(reason.size()), 0};
        return call(LaunchOp::Recover, request);
    }
    // The fate of a domain that there is.
    LaunchFate fate(uint32_t id) {
        LaunchFate answer{};
        std::memset(&answer, 0xee, sizeof(answer));
        answer.domid = id;
        EXPECT_EQ(call(LaunchOp::GetFate, answer), 0);
        return answer;
    }

    static constexpr uint64_t argument = 0x3000;
    static constexpr uint64_t text = 0x4000;
    static constexpr uint64_t not_mapped = uint64_t{1} << 38;
    FakeDomain& launcher = machine.add_domain(1, 1);
    FakeDomain& first = machine.add_domain(2, 1);
    FakeDomain& second = machine.add_domain(3, 1);
    FakeDomain& recovery = machine.add_domain(4, 1);
    FakeDomain& builder = machine.add_domain(0x7fe0, 1);
};

TEST(Order, held_domains_start_when_the_launcher_says_so) {
    alone([] {
        Launched m;
        EXPECT_EQ(m.begin(), std::nullopt);
        EXPECT_TRUE(m.runs(m.launcher));
        EXPECT_TRUE(m.runs(m.first));
        EXPECT_FALSE(m.runs(m.second));
        EXPECT_FALSE(m.runs(m.recovery));
        EXPECT_FALSE(m.says("event=domain-started domid=3"));
        EXPECT_EQ(code(start_held(DomainId{3})), 0);
        EXPECT_TRUE(m.runs(m.second));
        EXPECT_TRUE(m.says("event=domain-started domid=3"));
        EXPECT_EQ(code(start_held(DomainId{3})), number(Errno::XEN_EINVAL)) << "once is enough";
    });
}

TEST(Order, start_is_for_what_is_held) {
    alone([] {
        Launched m;
        ASSERT_EQ(m.begin(), std::nullopt);
        for (const uint16_t running : std::array<uint16_t, 2>{1, 2}) {
            EXPECT_EQ(code(start_held(DomainId{running})), number(Errno::XEN_EINVAL));
        }
        EXPECT_EQ(code(start_held(DomainId{4})), number(Errno::XEN_EINVAL)) << "recovery domain";
        EXPECT_FALSE(m.runs(m.recovery));
        for (const uint16_t nobody : nobodies) {
            EXPECT_EQ(code(start_held(DomainId{nobody})), number(Errno::XEN_ESRCH)) << nobody;
        }
        m.second.domain().state = State::Refused;
        EXPECT_EQ(code(start_held(DomainId{3})), number(Errno::XEN_ESRCH));
        EXPECT_FALSE(m.runs(m.second));
    });
}

TEST(Order, launcher_ends_what_runs) {
    alone([] {
        Launched m;
        ASSERT_EQ(m.begin(), std::nullopt);
        EXPECT_EQ(code(stop(m.launcher.domain(), DomainId{2})), 0);
        EXPECT_EQ(m.machine.ended.at(&m.first.domain()), End::Stopped);
        EXPECT_TRUE(m.machine.sched.is_yielding) << "somebody has to tear it down";
        EXPECT_EQ(code(stop(m.launcher.domain(), DomainId{2})), 0) << "it is dying";
        EXPECT_EQ(m.fate(2).state, LaunchState::Running) << "not torn down yet";
        EXPECT_EQ(m.off(), std::nullopt);
        EXPECT_EQ(m.fate(2).state, LaunchState::Ended);
        EXPECT_EQ(code(stop(m.launcher.domain(), DomainId{2})), number(Errno::XEN_ESRCH));
        EXPECT_EQ(code(stop(m.launcher.domain(), DomainId{1})), number(Errno::XEN_EINVAL));
        for (const uint16_t nobody : nobodies) {
            EXPECT_EQ(code(stop(m.launcher.domain(), DomainId{nobody})), number(Errno::XEN_ESRCH));
        }
        EXPECT_FALSE(m.builder.domain().end == End::Stopped);
    });
}

TEST(Order, what_is_stopped_before_it_starts_never_does) {
    alone([] {
        Launched m;
        ASSERT_EQ(m.begin(), std::nullopt);
        EXPECT_EQ(code(stop(m.launcher.domain(), DomainId{3})), 0);
        EXPECT_EQ(m.machine.ended.at(&m.second.domain()), End::NotStarted);
        EXPECT_NE(code(start_held(DomainId{3})), 0);
        EXPECT_EQ(m.off(), std::nullopt);
        EXPECT_EQ(code(start_held(DomainId{3})), number(Errno::XEN_ESRCH));
        EXPECT_EQ(m.machine.sched.online.count(&m.second.vcpu()), 0U);
        EXPECT_EQ(m.end(m.first), MachineStatus::Unexpected);
    });
}

// The CPU that ends a domain has not said why yet when another comes by.
TEST(Order, teardown_waits_until_everything_is_said) {
    alone([] {
        Launched m;
        ASSERT_EQ(m.begin(), std::nullopt);
        auto& lock = m.first.domain().lock;
        bool was_free = false;
        m.machine.on_flush = [&](hv::domain::Domain& d) {
            was_free = &d == &m.first.domain();
            const hv::LockGuard guard{lock};  // hangs if the teardown kept it
        };
        EXPECT_EQ(m.end(m.first), std::nullopt);
        EXPECT_TRUE(was_free);
    });
}

TEST(Order, launcher_hears_what_became_of_each) {
    alone([] {
        Launched m;
        m.second.domain().state = State::Refused;
        m.second.domain().fate.put("/domains/2/kernel: no-pvh-note");
        ASSERT_EQ(m.begin(), std::nullopt);
        EXPECT_EQ(m.fate(1).state, LaunchState::Running);
        EXPECT_EQ(m.fate(2).state, LaunchState::Running);
        EXPECT_STREQ(m.fate(2).reason, "");
        EXPECT_EQ(m.fate(4).state, LaunchState::Held);
        const LaunchFate refused = m.fate(3);
        EXPECT_EQ(refused.state, LaunchState::Refused);
        EXPECT_EQ(refused.as_expected, 0U);
        EXPECT_STREQ(refused.reason, "/domains/2/kernel: no-pvh-note");
        m.recovery.domain().state = State::Running;  // keeps the machine on
        ASSERT_EQ(m.end(m.first), std::nullopt);
        const LaunchFate ended = m.fate(2);
        EXPECT_EQ(ended.state, LaunchState::Ended);
        EXPECT_EQ(ended.as_expected, 1U);
        EXPECT_EQ(ended.pad, 0U);
        EXPECT_STREQ(ended.reason, "ended");
        for (const uint32_t nobody : {0U, 5U, 0x7fe0U, 0x10002U, ~0U}) {
            LaunchFate answer{.domid = nobody, .state = {}};
            EXPECT_EQ(m.call(LaunchOp::GetFate, answer), number(Errno::XEN_ESRCH)) << nobody;
        }
    });
}

TEST(Order, long_reason_is_cut_and_ends) {
    alone([] {
        Launched m;
        m.second.domain().state = State::Refused;
        m.second.domain().fate.put(std::string(200, 'x'));
        ASSERT_EQ(m.begin(), std::nullopt);
        EXPECT_EQ(std::strlen(m.fate(3).reason), hv::abi::launch_reason_bytes - 1);
    });
}

TEST(Order, recovery_domain_starts_once_and_knows_why) {
    alone([] {
        Launched m;
        ASSERT_EQ(m.begin(), std::nullopt);
        const char* page = &m.recovery.at<char>(hv::abi::recovery_reason_gpaddr);
        EXPECT_EQ(m.recover("web: not ready in time"), 0);
        EXPECT_TRUE(m.runs(m.recovery));
        EXPECT_STREQ(page, "web: not ready in time");
        EXPECT_TRUE(m.says("event=recovery-started domid=4 reason=web: not ready in time"));
        EXPECT_TRUE(m.says("event=domain-started domid=4"));
        EXPECT_EQ(m.recover("again"), number(Errno::XEN_EINVAL));
        EXPECT_STREQ(page, "web: not ready in time") << "it is the domain's now";
    });
}

TEST(Order, recovery_domain_that_cannot_start_is_said_so) {
    alone([] {
        Launched m;
        ASSERT_EQ(m.begin(), std::nullopt);
        m.recovery.domain().state = State::Refused;
        EXPECT_EQ(m.recover("x"), number(Errno::XEN_EINVAL));
        m.recovery.domain().roles = {};
        EXPECT_EQ(m.recover("x"), number(Errno::XEN_ESRCH));
        hv::abi::LaunchRecovery request{Launched::text, 513, 0};
        EXPECT_EQ(m.call(LaunchOp::Recover, request), number(Errno::XEN_E2BIG));
        request = {Launched::not_mapped, 1, 0};
        EXPECT_EQ(m.call(LaunchOp::Recover, request), number(Errno::XEN_EFAULT));
    });
}

TEST(Order, launcher_says_what_only_it_knows) {
    alone([] {
        Launched m;
        ASSERT_EQ(m.begin(), std::nullopt);
        for (const char* line : {"event=domain-waiting domid=3 name=second after=first",
                                 "event=domain-ready domid=2 name=first when=started",
                                 "event=domain-failed domid=2 name=first reason=x policy=halt"}) {
            EXPECT_EQ(m.record(line), 0);
            EXPECT_TRUE(m.says(line));
        }
        for (const char* line :
             {"event=machine-off status=ok", "event=domain-ended domid=2 how=poweroff",
              "event=domain-readyx domid=2", "domid=2 event=domain-ready", " event=domain-ready ",
              "t_ns=1 event=domain-ready ", ""}) {
            EXPECT_EQ(m.record(line), number(Errno::XEN_EINVAL)) << line;
        }
        EXPECT_FALSE(m.says("machine-off"));
    });
}

TEST(Order, launcher_is_no_builder) {
    alone([] {
        Launched m;
        ASSERT_EQ(m.begin(), std::nullopt);
        for (const LaunchOp what : {LaunchOp::GetInfo, LaunchOp::SetVcpu, LaunchOp::SetPvVcpu,
                                    LaunchOp::Built, LaunchOp::Cap}) {
            EXPECT_EQ(m.op(what, Launched::argument), number(Errno::XEN_EPERM));
        }
        for (const LaunchOp what : {LaunchOp::GetFate, LaunchOp::Recover, LaunchOp::Record}) {
            EXPECT_EQ(m.op(what, Launched::not_mapped), number(Errno::XEN_EFAULT));
        }
        m.launcher.domain().roles = {};
        for (const LaunchOp what : {LaunchOp::GetFate, LaunchOp::Recover, LaunchOp::Record}) {
            EXPECT_EQ(m.op(what, Launched::argument), number(Errno::XEN_EPERM));
        }
    });
}

TEST(Order, when_nothing_is_measured_one_domain_starts_alone_and_bare) {
    alone([] {
        Launched m;
        m.plan.graph.measurement = launch::Measurement::Required;
        EXPECT_TRUE(
            m.plan.graph.domains.push({.domid = DomainId{4}, .start_unmeasured = true}).ok());
        auto& rescue = m.recovery.domain();
        for (const uint32_t param : {1U, 2U, 17U, 18U}) {  // [xen-pub] hvm/params.h
            rescue.hvm_params[param] = 7;
        }
        ASSERT_TRUE(
            hv::event::connect(rescue, hv::EvtchnPort{1}, m.first.domain(), hv::EvtchnPort{1})
                .ok());
        EXPECT_EQ(m.begin(), std::nullopt);
        EXPECT_TRUE(m.runs(m.recovery));
        for (FakeDomain* d : {&m.launcher, &m.first, &m.second}) {
            EXPECT_EQ(d->domain().state, State::Built);
            EXPECT_EQ(m.machine.sched.online.count(&d->vcpu()), 0U);
        }
        EXPECT_TRUE(rescue.roles.empty());
        for (const uint32_t param : {1U, 2U, 17U, 18U}) {
            EXPECT_EQ(rescue.hvm_params[param], 0U);
        }
        EXPECT_FALSE(has_ports(m.recovery));
        EXPECT_STREQ(&m.recovery.at<char>(hv::abi::recovery_reason_gpaddr),
                     "measurement is required and has failed");
        EXPECT_TRUE(m.says("event=capped measured=no"));
        EXPECT_TRUE(m.says("event=recovery-started domid=4 reason=measurement is required"));
        EXPECT_EQ(m.end(m.recovery), MachineStatus::Unexpected);
    });
    // Measured, it waits like any other recovery domain.
    alone([] {
        Launched m;
        m.plan.graph.measurement = launch::Measurement::Required;
        EXPECT_TRUE(
            m.plan.graph.domains.push({.domid = DomainId{4}, .start_unmeasured = true}).ok());
        EXPECT_TRUE(hv::hyperlaunch::enter_capped(true));
        hv::domain::end(m.builder.domain(), End::Poweroff, "");
        EXPECT_EQ(m.off(), std::nullopt);
        EXPECT_FALSE(m.runs(m.recovery));
        EXPECT_TRUE(m.runs(m.first));
    });
}

// ---- How long the machine stays on ----

TEST(Order, held_domain_keeps_the_machine_on_while_the_launcher_lives) {
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

TEST(Order, without_a_launcher_a_held_domain_is_waited_for_by_nobody) {
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

TEST(Order, recovery_domain_that_was_not_needed_counts_for_nothing) {
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

TEST(Order, recovery_domain_that_runs_counts_like_any_other) {
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
