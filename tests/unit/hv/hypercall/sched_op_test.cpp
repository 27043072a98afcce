// SPDX-License-Identifier: Apache-2.0
#include "hv/abi/xen_sched.hpp"
#include "tests/unit/hv/hypercall/guest_fixture.hpp"

namespace {

using hv::EvtchnPort;
using hv::VcpuId;
using hv::abi::Errno;
using hv::abi::Hypercall;
using Sched = hv::abi::SchedOp;
using hv::domain::End;

class SchedOp : public HypercallTest {
  protected:
    int64_t sched_op(Sched op, uint64_t argument = 0) {
        return guest.call(Hypercall::sched_op, static_cast<uint64_t>(op), argument);
    }
    int64_t poll(uint64_t ports, uint32_t count, uint64_t timeout = 0) {
        hv::abi::SchedPoll args{};
        args.ports = ports;
        args.nr_ports = count;
        args.timeout = timeout;
        return sched_op(Sched::SCHEDOP_poll, guest.put(args));
    }
    void turn_interrupts_on() { guest.vcpu().vmcb->save().rflags |= 1 << 9; }
};

TEST_F(SchedOp, yield_and_block_go_to_the_scheduler) {
    EXPECT_EQ(sched_op(Sched::SCHEDOP_yield), 0);
    EXPECT_TRUE(machine.sched.is_yielding);
    EXPECT_FALSE(machine.sched.is_blocking);
    EXPECT_EQ(sched_op(Sched::SCHEDOP_block), 0);
    EXPECT_TRUE(machine.sched.is_blocking);
}

TEST_F(SchedOp, shutdown_ends_the_domain_with_its_reason) {
    for (const uint32_t reason : {0U, 1U, 2U, 3U, 4U, 5U}) {
        domain.domain().is_dying = false;
        const uint64_t at = guest.put(hv::abi::SchedShutdown{reason});
        EXPECT_EQ(sched_op(Sched::SCHEDOP_shutdown, at), 0);
        EXPECT_EQ(machine.ended.at(&domain.domain()), static_cast<End>(reason));
    }
}

TEST_F(SchedOp, unknown_reason_is_a_crash) {
    EXPECT_EQ(sched_op(Sched::SCHEDOP_shutdown, guest.put(hv::abi::SchedShutdown{17})), 0);
    EXPECT_EQ(machine.ended.at(&domain.domain()), End::Crash);
}

TEST_F(SchedOp, shutdown_without_a_readable_reason_does_nothing) {
    EXPECT_EQ(sched_op(Sched::SCHEDOP_shutdown, Guest::not_mapped), minus(Errno::XEN_EFAULT));
    EXPECT_TRUE(machine.ended.empty());
}

TEST_F(SchedOp, poll_sleeps_until_the_port_or_the_timeout) {
    turn_interrupts_on();
    const EvtchnPort port = hv::event::bind_ipi(domain.domain(), VcpuId{0}).take();
    EXPECT_EQ(poll(guest.put(port.value()), 1, 5000), 0);
    EXPECT_TRUE(machine.sched.is_blocking);
    EXPECT_EQ(machine.sched.poll_ns.at(&guest.vcpu()), 5000U);
    EXPECT_EQ(guest.vcpu().polled_port, port.value());
    ASSERT_TRUE(hv::event::send(domain.domain(), port).ok());
    EXPECT_TRUE(machine.sched.is_woken(guest.vcpu()));
}

// [xen-pub] sched.h: "Return when one or more are pending", of the ports that were named.
TEST_F(SchedOp, poll_with_interrupts_off_waits_for_its_ports_alone) {
    const EvtchnPort polled = hv::event::bind_ipi(domain.domain(), VcpuId{0}).take();
    const EvtchnPort other_port = hv::event::bind_ipi(domain.domain(), VcpuId{0}).take();
    ASSERT_TRUE(hv::event::send(domain.domain(), other_port).ok());
    ASSERT_TRUE(machine.sched.is_woken(guest.vcpu()));
    EXPECT_EQ(poll(guest.put(polled.value()), 1), 0);
    EXPECT_TRUE(machine.sched.is_halting) << "the upcall cannot be taken, so it does not count";
    EXPECT_FALSE(machine.sched.is_blocking);
    EXPECT_FALSE(machine.sched.is_woken(guest.vcpu())) << "nor does that it came";
    ASSERT_TRUE(hv::event::send(domain.domain(), polled).ok());
    EXPECT_TRUE(machine.sched.is_woken(guest.vcpu()));
}

// Its stub calls with RFLAGS.IF clear; what is masked is in evtchn_upcall_mask.
TEST_F(SchedOp, poll_of_a_pv_kernel_can_be_ended_by_an_upcall) {
    guest.vcpu().masks_upcalls = true;
    EXPECT_EQ(poll(guest.put(uint32_t{3}), 1), 0);
    EXPECT_TRUE(machine.sched.is_blocking);
    EXPECT_FALSE(machine.sched.is_halting);
}

TEST_F(SchedOp, poll_returns_at_once_if_something_is_pending) {
    const EvtchnPort port = hv::event::bind_ipi(domain.domain(), VcpuId{0}).take();
    ASSERT_TRUE(hv::event::send(domain.domain(), port).ok());
    EXPECT_EQ(poll(guest.put(port.value()), 1, 5000), 0);
    EXPECT_FALSE(machine.sched.is_blocking || machine.sched.is_halting);
    EXPECT_TRUE(machine.sched.poll_ns.empty());
}

TEST_F(SchedOp, next_call_ends_a_poll_that_something_else_ended) {
    EXPECT_EQ(poll(guest.put(uint32_t{3}), 1, 5000), 0);
    guest.call(Hypercall::xen_version, 0);
    EXPECT_EQ(guest.vcpu().polled_port, 0U);
    EXPECT_TRUE(machine.sched.poll_ns.empty());
}

TEST_F(SchedOp, poll_checks_its_list) {
    EXPECT_EQ(poll(0, 129), minus(Errno::XEN_EINVAL));
    EXPECT_EQ(poll(0, ~0U), minus(Errno::XEN_EINVAL));
    EXPECT_EQ(poll(Guest::not_mapped, 1), minus(Errno::XEN_EFAULT));
    EXPECT_EQ(poll(guest.put(uint32_t{FakeDomain::port_count}), 1), minus(Errno::XEN_EINVAL));
    EXPECT_EQ(poll(guest.put(uint32_t{0}), 1), minus(Errno::XEN_EINVAL));
    EXPECT_FALSE(machine.sched.is_blocking || machine.sched.is_halting);
    std::array<uint32_t, 128> ports{};
    ports.fill(3);
    EXPECT_EQ(poll(guest.put(ports), 128), 0);
    EXPECT_TRUE(machine.sched.is_halting);
}

TEST_F(SchedOp, no_domain_ends_another) {
    hv::abi::SchedRemoteShutdown args{};
    args.domain_id = 2;
    EXPECT_EQ(sched_op(Sched::SCHEDOP_remote_shutdown, guest.put(args)), minus(Errno::XEN_EPERM));
    args.domain_id = 99;
    EXPECT_EQ(sched_op(Sched::SCHEDOP_remote_shutdown, guest.put(args)), minus(Errno::XEN_ESRCH));
    EXPECT_TRUE(machine.ended.empty());
}

TEST_F(SchedOp, rest_is_not_offered) {
    EXPECT_EQ(sched_op(Sched::SCHEDOP_watchdog), minus(Errno::XEN_ENOSYS));
    EXPECT_EQ(sched_op(Sched::SCHEDOP_pin_override), minus(Errno::XEN_EPERM));
    EXPECT_EQ(sched_op(static_cast<Sched>(8)), minus(Errno::XEN_ENOSYS));
}

TEST_F(SchedOp, set_timer_op_sets_and_stops_the_one_shot_timer) {
    EXPECT_EQ(guest.call(Hypercall::set_timer_op, 5'000'000), 0);
    EXPECT_EQ(machine.sched.singleshot_ns.at(&guest.vcpu()), 5'000'000U);
    EXPECT_EQ(guest.call(Hypercall::set_timer_op, 0), 0);
    EXPECT_TRUE(machine.sched.singleshot_ns.empty());
}

}  // namespace
