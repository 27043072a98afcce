// SPDX-License-Identifier: Apache-2.0
// The doors between the phases, from domB's side: what it may ask for when, and what its end does.
#include "tests/unit/hv/launch/prepared.hpp"

namespace prepared {
namespace {

TEST(Phases, straight_way_leads_to_running) {
    alone([] {
        Prepared m;
        EXPECT_EQ(phase(), Phase::Prepare);
        m.build_all();
        EXPECT_EQ(m.cap(), 0);
        EXPECT_EQ(phase(), Phase::Capped);
        EXPECT_TRUE(m.machine.sched.online.empty()) << "nobody runs before domB is gone";
        m.end_builder();
        reap();
        EXPECT_EQ(phase(), Phase::Running);
        EXPECT_EQ(m.web.domain().state, State::Running);
        EXPECT_TRUE(m.machine.sched.online.at(&m.web.vcpu()));
        EXPECT_EQ(m.db.domain().state, State::Refused);
        EXPECT_EQ(m.machine.sched.online.count(&m.db.vcpu()), 0U);
    });
}

TEST(Phases, nobody_else_may_ask) {
    alone([] {
        Prepared m;
        for (const LaunchOp what : {LaunchOp::GetInfo, LaunchOp::SetVcpu, LaunchOp::Built,
                                    LaunchOp::Cap, LaunchOp::Record, LaunchOp::SetPvVcpu}) {
            EXPECT_EQ(m.op(what, Prepared::argument, m.web), number(Errno::XEN_EPERM));
        }
        EXPECT_EQ(phase(), Phase::Prepare);
    });
}

TEST(Phases, behind_the_cap_every_door_is_shut) {
    alone([] {
        Prepared m;
        m.build_all();
        ASSERT_EQ(m.cap(), 0);
        EXPECT_EQ(m.set_vcpu(1), number(Errno::XEN_EPERM));
        EXPECT_EQ(m.built(2), number(Errno::XEN_EPERM));
        EXPECT_EQ(m.cap(), number(Errno::XEN_EPERM)) << "once is enough";
        EXPECT_EQ(m.op(LaunchOp::GetInfo, Prepared::argument, m.builder), number(Errno::XEN_EPERM));
        EXPECT_EQ(m.db.domain().state, State::Refused);
        EXPECT_EQ(m.call(LaunchOp::Record, hv::abi::LaunchRecord{0, 0}), 0) << "it may still speak";
    });
}

TEST(Phases, cap_waits_until_everything_is_decided) {
    alone([] {
        Prepared m;
        EXPECT_EQ(m.cap(), number(Errno::XEN_EBUSY));
        EXPECT_EQ(m.built(1, LaunchOutcome::Refused), 0);
        EXPECT_EQ(m.cap(), number(Errno::XEN_EBUSY));
        EXPECT_EQ(phase(), Phase::Prepare);
        EXPECT_EQ(m.machine.flushes[&m.builder.domain()], 0U);
        EXPECT_EQ(m.built(2, LaunchOutcome::Refused), 0);
        EXPECT_EQ(m.cap(), 0);
    });
}

TEST(Phases, decisions_are_final) {
    alone([] {
        Prepared m;
        EXPECT_EQ(m.built(1, LaunchOutcome::Refused), 0);
        EXPECT_EQ(m.set_vcpu(1), number(Errno::XEN_EBUSY));
        EXPECT_EQ(m.built(1), number(Errno::XEN_EBUSY));
        EXPECT_EQ(m.web.domain().state, State::Refused);
    });
}

TEST(Phases, arguments_are_checked) {
    alone([] {
        Prepared m;
        EXPECT_EQ(m.built(1), number(Errno::XEN_EINVAL)) << "ready without a start";
        EXPECT_EQ(m.built(1, static_cast<LaunchOutcome>(2)), number(Errno::XEN_EINVAL));
        for (const uint32_t id : {3U, 0x7fe0U, 0x10001U, ~0U}) {
            EXPECT_EQ(m.set_vcpu(id), number(Errno::XEN_ESRCH)) << id;
            EXPECT_EQ(m.built(id), number(Errno::XEN_ESRCH)) << id;
        }
        for (const LaunchOp what : {LaunchOp::GetInfo, LaunchOp::SetVcpu, LaunchOp::Built,
                                    LaunchOp::Cap, LaunchOp::Record}) {
            EXPECT_EQ(m.op(what, Prepared::not_mapped, m.builder), number(Errno::XEN_EFAULT));
        }
        EXPECT_EQ(m.op(static_cast<LaunchOp>(99), 0, m.builder), number(Errno::XEN_ENOSYS));
        EXPECT_EQ(m.call(LaunchOp::Record, hv::abi::LaunchRecord{0, 513}),
                  number(Errno::XEN_E2BIG));
        EXPECT_EQ(m.web.domain().state, State::UnderConstruction);
    });
}

TEST(Phases, log_cannot_shrink_or_outgrow_its_frames) {
    alone([] {
        Prepared m;
        m.build_all();
        auto& measured = hv::hyperlaunch::measurement();
        const hv::Mfn log = m.machine.take_frames(1, hv::mm::FrameUse::EventLog);
        measured.log = {hv::mm::direct_map(log), hv::page_size};
        measured.log_used = 100;
        EXPECT_EQ(m.cap(99), number(Errno::XEN_EINVAL));
        EXPECT_EQ(m.cap(hv::page_size + 1), number(Errno::XEN_EINVAL));
        EXPECT_EQ(m.cap(~uint64_t{0}), number(Errno::XEN_EINVAL));
        EXPECT_EQ(phase(), Phase::Prepare);
        EXPECT_EQ(m.cap(hv::page_size), 0);
        EXPECT_EQ(measured.log_used, hv::page_size);
    });
}

TEST(Phases, required_is_not_capped_unmeasured) {
    alone([] {
        Prepared m{Measurement::Required};
        m.build_all();
        EXPECT_EQ(m.cap(0, 0), number(Errno::XEN_EPERM));
        EXPECT_EQ(phase(), Phase::Prepare);
        m.end_builder();
        EXPECT_THROW(reap(), PoweredOff);
        EXPECT_TRUE(m.machine.sched.online.empty());
    });
}

// domB is not measured itself then: what it says of others is worth nothing.
TEST(Phases, domb_cannot_say_measured_where_hv_could_not_measure) {
    alone([] {
        Prepared m{Measurement::Required};
        EXPECT_TRUE(
            m.plan.graph.domains.push({.domid = hv::DomainId{2}, .start_unmeasured = true}).ok());
        for (const uint32_t id : {1U, 2U}) {
            EXPECT_EQ(m.set_vcpu(id), 0);
            EXPECT_EQ(m.built(id), 0);
        }
        ASSERT_FALSE(hv::hyperlaunch::measurement().is_active);
        EXPECT_EQ(m.cap(0, 1), 0);
        EXPECT_TRUE(m.says("event=capped measured=no"));
        m.end_builder();
        reap();
        EXPECT_EQ(m.machine.sched.online.count(&m.web.vcpu()), 0U);
        EXPECT_EQ(m.web.domain().state, State::Built);
        EXPECT_TRUE(m.machine.sched.online.at(&m.db.vcpu())) << "the one that may";
    });
}

TEST(Phases, builder_that_ends_in_prepare_fails_the_launch) {
    alone([] {
        Prepared m;
        m.build_all();
        m.end_builder();
        try {
            reap();
            ADD_FAILURE() << "still on";
        } catch (const PoweredOff& off) {
            EXPECT_EQ(off.status, hv::dev::MachineStatus::Failed);
        }
        EXPECT_TRUE(m.says("builder failed in prepare: no domain is started"));
        EXPECT_EQ(m.web.domain().state, State::Built);
        EXPECT_TRUE(m.machine.sched.online.empty());
    });
}

}  // namespace
}  // namespace prepared
