// SPDX-License-Identifier: Apache-2.0
// Domains that are held: who may start and end them, and who starts when nothing is measured.
#include "tests/unit/hv/launch/launched.hpp"

namespace order {
namespace {

constexpr std::array<uint16_t, 5> nobodies{0, 5, 0x7fe0, 0x7ff0, 0xffff};

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
        EXPECT_EQ(m.end(m.first), std::nullopt) << "is recovery wanted?";
        EXPECT_EQ(code(stop(m.launcher.domain(), DomainId{4})), 0);
        EXPECT_EQ(m.off(), MachineStatus::Unexpected);
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
        hv::hyperlaunch::measurement().is_active = true;
        EXPECT_TRUE(hv::hyperlaunch::enter_capped(true));
        hv::domain::end(m.builder.domain(), End::Poweroff, "");
        EXPECT_EQ(m.off(), std::nullopt);
        EXPECT_FALSE(m.runs(m.recovery));
        EXPECT_TRUE(m.runs(m.first));
    });
}

}  // namespace
}  // namespace order
