// SPDX-License-Identifier: Apache-2.0
// What the launcher hears of domains, the recovery domain of the launcher, and the record of both.
#include "tests/unit/hv/launch/launched.hpp"

namespace order {
namespace {

TEST(Launcher, launcher_hears_what_became_of_each) {
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

TEST(Launcher, only_who_may_ask_is_told_of_ends) {
    alone([] {
        Launched m;
        m.second.domain().roles.add(Role::Xenstore);
        ASSERT_EQ(m.begin(), std::nullopt);
        constexpr auto dom_exc = static_cast<uint32_t>(hv::abi::Virq::VIRQ_DOM_EXC);
        for (FakeDomain* d : {&m.launcher, &m.second, &m.recovery}) {
            ASSERT_TRUE(hv::event::bind_virq(d->domain(), dom_exc, hv::VcpuId{0}).ok());
        }
        const auto is_told = [](FakeDomain& d) {
            return d.domain().shared_info->vcpu_info[0].evtchn_upcall_pending != 0;
        };
        EXPECT_FALSE(is_told(m.launcher));
        m.recovery.domain().state = State::Running;  // keeps the machine on
        ASSERT_EQ(m.end(m.first), std::nullopt);
        EXPECT_TRUE(is_told(m.launcher));
        EXPECT_TRUE(is_told(m.second));
        EXPECT_FALSE(is_told(m.recovery));
    });
}

TEST(Launcher, long_reason_is_cut_and_ends) {
    alone([] {
        Launched m;
        m.second.domain().state = State::Refused;
        m.second.domain().fate.put(std::string(200, 'x'));
        ASSERT_EQ(m.begin(), std::nullopt);
        EXPECT_EQ(std::strlen(m.fate(3).reason), hv::abi::launch_reason_bytes - 1);
    });
}

TEST(Launcher, recovery_domain_starts_once_and_knows_why) {
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

TEST(Launcher, recovery_domain_that_cannot_start_is_said_so) {
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

TEST(Launcher, launcher_says_what_only_it_knows) {
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

TEST(Launcher, launcher_is_no_builder) {
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

}  // namespace
}  // namespace order
