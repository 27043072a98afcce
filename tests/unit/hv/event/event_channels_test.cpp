// SPDX-License-Identifier: Apache-2.0
#include "hv/event/event_channels.hpp"

#include "tests/fake/fake_sched.hpp"
#include "tests/unit/hv/event/event_domain.hpp"

#include <gtest/gtest.h>

namespace {

using hv::DomainId;
using hv::EvtchnPort;
using hv::VcpuId;
using hv::abi::EvtchnStat;
using hv::abi::Virq;
using hv::event::Error;
namespace event = hv::event;

constexpr uint32_t timer = static_cast<uint32_t>(Virq::VIRQ_TIMER);
constexpr uint32_t dom_exc = static_cast<uint32_t>(Virq::VIRQ_DOM_EXC);

class EventChannels : public testing::Test {
  protected:
    // Two connected ports: a's first, b's second.
    std::pair<EvtchnPort, EvtchnPort> bound() {
        const EvtchnPort listening = event::alloc_unbound(a.domain, b.domain.id).take();
        return {listening, event::bind_interdomain(b.domain, a.domain, listening).take()};
    }
    template <class T>
    static Error error_of(hv::Result<T, Error> result) {
        EXPECT_FALSE(result.ok());
        return result.error();
    }
    static EvtchnStat state_of(EventDomain& d, EvtchnPort port) {
        return event::status(d.domain, port).take().state;
    }

    FakeSched sched;
    EventDomain a{1};
    EventDomain b{2};
};

TEST_F(EventChannels, bound_ports_reach_each_other) {
    const auto [port_a, port_b] = bound();
    b.forget_events();

    ASSERT_TRUE(event::send(a.domain, port_a).ok());
    EXPECT_TRUE(b.is_pending(port_b));
    EXPECT_FALSE(a.is_pending(port_a));
    ASSERT_TRUE(event::send(b.domain, port_b).ok());
    EXPECT_TRUE(a.is_pending(port_a));
    EXPECT_TRUE(a.has_upcall(0));

    const event::Status status = event::status(b.domain, port_b).take();
    EXPECT_EQ(status.state, EvtchnStat::EVTCHNSTAT_interdomain);
    EXPECT_EQ(status.remote, a.domain.id);
    EXPECT_EQ(status.remote_port, port_a);
}

TEST_F(EventChannels, binding_makes_the_binder_look_once) {
    const auto [port_a, port_b] = bound();
    EXPECT_TRUE(b.is_pending(port_b));
    EXPECT_FALSE(a.is_pending(port_a));
}

TEST_F(EventChannels, port_zero_and_ports_beyond_the_table_do_not_exist) {
    for (const uint32_t n : {0U, 16U, 4096U, ~0U}) {
        EXPECT_EQ(error_of(event::send(a.domain, EvtchnPort{n})), Error::BadPort);
        EXPECT_EQ(error_of(event::close(a.domain, EvtchnPort{n})), Error::BadPort);
        EXPECT_EQ(error_of(event::unmask(a.domain, EvtchnPort{n})), Error::BadPort);
        EXPECT_EQ(error_of(event::status(a.domain, EvtchnPort{n})), Error::BadPort);
        EXPECT_EQ(error_of(event::bind_vcpu(a.domain, EvtchnPort{n}, VcpuId{0})), Error::BadPort);
        EXPECT_EQ(error_of(event::bind_interdomain(b.domain, a.domain, EvtchnPort{n})),
                  Error::BadPort);
    }
}

TEST_F(EventChannels, free_port_can_be_asked_for_its_status_only) {
    EXPECT_EQ(state_of(a, EvtchnPort{3}), EvtchnStat::EVTCHNSTAT_closed);
    EXPECT_EQ(error_of(event::send(a.domain, EvtchnPort{3})), Error::BadPort);
    EXPECT_EQ(error_of(event::close(a.domain, EvtchnPort{3})), Error::BadPort);
}

TEST_F(EventChannels, only_the_named_domain_may_bind) {
    const EvtchnPort port = event::alloc_unbound(a.domain, DomainId{7}).take();
    EXPECT_EQ(error_of(event::bind_interdomain(b.domain, a.domain, port)), Error::BadPort);
    EXPECT_EQ(event::status(a.domain, port).take().remote, DomainId{7});
}

TEST_F(EventChannels, bound_port_cannot_be_bound_again) {
    const auto [port_a, port_b] = bound();
    EXPECT_EQ(error_of(event::bind_interdomain(b.domain, a.domain, port_a)), Error::BadPort);
}

TEST_F(EventChannels, domain_can_bind_to_itself) {
    const EvtchnPort listening = event::alloc_unbound(a.domain, a.domain.id).take();
    const EvtchnPort other = event::bind_interdomain(a.domain, a.domain, listening).take();
    a.forget_events();
    ASSERT_TRUE(event::send(a.domain, other).ok());
    EXPECT_TRUE(a.is_pending(listening));
    EXPECT_FALSE(a.is_pending(other));
    ASSERT_TRUE(event::close(a.domain, other).ok());
    EXPECT_EQ(state_of(a, listening), EvtchnStat::EVTCHNSTAT_unbound);
}

TEST_F(EventChannels, closing_leaves_the_far_end_unbound_for_the_same_domain) {
    const auto [port_a, port_b] = bound();
    ASSERT_TRUE(event::close(b.domain, port_b).ok());
    EXPECT_EQ(state_of(b, port_b), EvtchnStat::EVTCHNSTAT_closed);
    EXPECT_FALSE(b.is_pending(port_b));  // what nobody saw does not reach the next user
    const event::Status far = event::status(a.domain, port_a).take();
    EXPECT_EQ(far.state, EvtchnStat::EVTCHNSTAT_unbound);
    EXPECT_EQ(far.remote, b.domain.id);
    EXPECT_TRUE(event::send(a.domain, port_a).ok());  // dropped
    EXPECT_TRUE(event::bind_interdomain(b.domain, a.domain, port_a).ok());
}

TEST_F(EventChannels, table_runs_out_and_recovers) {
    for (uint32_t n = 1; n < 16; ++n) {
        EXPECT_EQ(event::alloc_unbound(a.domain, b.domain.id).take(), EvtchnPort{n});
    }
    EXPECT_EQ(error_of(event::alloc_unbound(a.domain, b.domain.id)), Error::NoPort);
    EXPECT_EQ(error_of(event::bind_ipi(a.domain, VcpuId{0})), Error::NoPort);
    EXPECT_EQ(error_of(event::bind_virq(a.domain, timer, VcpuId{0})), Error::NoPort);
    ASSERT_TRUE(event::close(a.domain, EvtchnPort{7}).ok());
    EXPECT_EQ(event::bind_virq(a.domain, timer, VcpuId{0}).take(), EvtchnPort{7});
}

TEST_F(EventChannels, failed_bind_leaves_the_listener_alone) {
    for (uint32_t n = 1; n < 16; ++n) {
        ASSERT_TRUE(event::bind_ipi(b.domain, VcpuId{0}).ok());
    }
    const EvtchnPort port = event::alloc_unbound(a.domain, b.domain.id).take();
    EXPECT_EQ(error_of(event::bind_interdomain(b.domain, a.domain, port)), Error::NoPort);
    EXPECT_EQ(state_of(a, port), EvtchnStat::EVTCHNSTAT_unbound);
}

TEST_F(EventChannels, virq_of_a_vcpu_is_bound_once_and_fixed) {
    const EvtchnPort port = event::bind_virq(a.domain, timer, VcpuId{1}).take();
    EXPECT_EQ(error_of(event::bind_virq(a.domain, timer, VcpuId{1})), Error::AlreadyUsed);
    EXPECT_TRUE(event::bind_virq(a.domain, timer, VcpuId{0}).ok());
    EXPECT_EQ(error_of(event::bind_vcpu(a.domain, port, VcpuId{0})), Error::BadPort);
    EXPECT_EQ(error_of(event::send(a.domain, port)), Error::BadPort);

    event::send_virq(*a.vcpus[1], Virq::VIRQ_TIMER);
    EXPECT_TRUE(a.is_pending(port));
    EXPECT_TRUE(a.has_upcall(1));
    EXPECT_FALSE(a.has_upcall(0));
}

TEST_F(EventChannels, closed_virq_is_silent_and_can_be_bound_again) {
    const EvtchnPort port = event::bind_virq(a.domain, timer, VcpuId{0}).take();
    ASSERT_TRUE(event::close(a.domain, port).ok());
    event::send_virq(*a.vcpus[0], Virq::VIRQ_TIMER);
    EXPECT_FALSE(a.is_pending(port));
    EXPECT_TRUE(event::bind_virq(a.domain, timer, VcpuId{0}).ok());
}

TEST_F(EventChannels, global_virq_belongs_to_vcpu_0_and_can_move) {
    EXPECT_EQ(error_of(event::bind_virq(a.domain, dom_exc, VcpuId{1})), Error::BadVirq);
    const EvtchnPort port = event::bind_virq(a.domain, dom_exc, VcpuId{0}).take();
    ASSERT_TRUE(event::bind_vcpu(a.domain, port, VcpuId{1}).ok());
    event::send_global_virq(a.domain, Virq::VIRQ_DOM_EXC);
    EXPECT_TRUE(a.has_upcall(1));
    EXPECT_FALSE(a.has_upcall(0));
    ASSERT_TRUE(event::close(a.domain, port).ok());
    EXPECT_TRUE(event::bind_virq(a.domain, dom_exc, VcpuId{0}).ok());
}

TEST_F(EventChannels, virq_numbers_and_vcpus_are_checked) {
    EXPECT_EQ(error_of(event::bind_virq(a.domain, 24, VcpuId{0})), Error::BadVirq);
    EXPECT_EQ(error_of(event::bind_virq(a.domain, ~0U, VcpuId{0})), Error::BadVirq);
    EXPECT_EQ(error_of(event::bind_virq(a.domain, timer, VcpuId{2})), Error::BadVcpu);
    EXPECT_EQ(error_of(event::bind_ipi(a.domain, VcpuId{~0U})), Error::BadVcpu);
    const EvtchnPort port = event::alloc_unbound(a.domain, b.domain.id).take();
    EXPECT_EQ(error_of(event::bind_vcpu(a.domain, port, VcpuId{2})), Error::BadVcpu);
    EXPECT_TRUE(event::bind_virq(a.domain, 23, VcpuId{0}).ok());
}

TEST_F(EventChannels, ipi_reaches_its_vcpu_and_stays_there) {
    const EvtchnPort port = event::bind_ipi(a.domain, VcpuId{1}).take();
    ASSERT_TRUE(event::send(a.domain, port).ok());
    EXPECT_TRUE(a.has_upcall(1));
    EXPECT_TRUE(sched.is_woken(*a.vcpus[1]));
    EXPECT_EQ(error_of(event::bind_vcpu(a.domain, port, VcpuId{0})), Error::BadPort);
    EXPECT_EQ(state_of(a, port), EvtchnStat::EVTCHNSTAT_ipi);
}

TEST_F(EventChannels, bind_vcpu_moves_an_interdomain_port) {
    const auto [port_a, port_b] = bound();
    ASSERT_TRUE(event::bind_vcpu(a.domain, port_a, VcpuId{1}).ok());
    ASSERT_TRUE(event::send(b.domain, port_b).ok());
    EXPECT_TRUE(a.has_upcall(1));
    EXPECT_FALSE(a.has_upcall(0));
}

TEST_F(EventChannels, unmask_delivers) {
    const auto [port_a, port_b] = bound();
    a.mask(port_a);
    ASSERT_TRUE(event::send(b.domain, port_b).ok());
    EXPECT_FALSE(a.has_upcall(0));
    ASSERT_TRUE(event::unmask(a.domain, port_a).ok());
    EXPECT_TRUE(a.has_upcall(0));
}

TEST_F(EventChannels, plan_connects_chosen_ports) {
    ASSERT_TRUE(event::connect(a.domain, EvtchnPort{2}, b.domain, EvtchnPort{5}).ok());
    ASSERT_TRUE(event::send(b.domain, EvtchnPort{5}).ok());
    EXPECT_TRUE(a.is_pending(EvtchnPort{2}));
    EXPECT_EQ(error_of(event::connect(a.domain, EvtchnPort{2}, b.domain, EvtchnPort{6})),
              Error::AlreadyUsed);
    EXPECT_EQ(error_of(event::connect(a.domain, EvtchnPort{3}, a.domain, EvtchnPort{3})),
              Error::AlreadyUsed);
    EXPECT_EQ(error_of(event::connect(a.domain, EvtchnPort{0}, b.domain, EvtchnPort{6})),
              Error::BadPort);
    EXPECT_EQ(error_of(event::connect(a.domain, EvtchnPort{3}, b.domain, EvtchnPort{16})),
              Error::BadPort);
    EXPECT_EQ(event::alloc_unbound(a.domain, b.domain.id).take(), EvtchnPort{1});
    EXPECT_EQ(event::alloc_unbound(a.domain, b.domain.id).take(), EvtchnPort{3});
}

TEST_F(EventChannels, dying_domain_binds_nothing_and_nobody_binds_to_it) {
    const EvtchnPort port = event::alloc_unbound(a.domain, b.domain.id).take();
    const auto [port_a, port_b] = bound();
    a.domain.is_dying = true;
    EXPECT_EQ(error_of(event::bind_interdomain(b.domain, a.domain, port)), Error::DomainGone);
    EXPECT_EQ(error_of(event::bind_ipi(a.domain, VcpuId{0})), Error::DomainGone);

    event::close_all(a.domain);
    for (uint32_t n = 1; n < 16; ++n) {
        EXPECT_EQ(state_of(a, EvtchnPort{n}), EvtchnStat::EVTCHNSTAT_closed);
    }
    EXPECT_EQ(state_of(b, port_b), EvtchnStat::EVTCHNSTAT_unbound);
    a.forget_events();
    EXPECT_TRUE(event::send(b.domain, port_b).ok());
    EXPECT_FALSE(a.is_pending(port_a));
}

TEST_F(EventChannels, close_all_forgets_virqs) {
    ASSERT_TRUE(event::bind_virq(a.domain, timer, VcpuId{1}).ok());
    event::close_all(a.domain);
    event::send_virq(*a.vcpus[1], Virq::VIRQ_TIMER);
    EXPECT_FALSE(a.has_upcall(1));
}

TEST_F(EventChannels, polling_finds_what_is_pending) {
    const auto [port_a, port_b] = bound();
    ASSERT_TRUE(event::send(b.domain, port_b).ok());
    const EvtchnPort ports[] = {EvtchnPort{9}, port_a};
    EXPECT_TRUE(event::start_polling(*a.vcpus[0], ports).take());
    EXPECT_EQ(a.vcpus[0]->polled_port, 0U);
}

TEST_F(EventChannels, polling_vcpu_is_wakened_by_its_port_even_if_masked) {
    const auto [port_a, port_b] = bound();
    const EvtchnPort other = event::bind_ipi(a.domain, VcpuId{0}).take();
    a.mask(port_a);
    EXPECT_FALSE(event::start_polling(*a.vcpus[1], std::span{&port_a, 1}).take());
    ASSERT_TRUE(event::send(a.domain, other).ok());
    EXPECT_FALSE(sched.is_woken(*a.vcpus[1]));
    ASSERT_TRUE(event::send(b.domain, port_b).ok());
    EXPECT_TRUE(sched.is_woken(*a.vcpus[1]));
    EXPECT_EQ(a.vcpus[1]->polled_port, 0U);
}

TEST_F(EventChannels, vcpu_polling_several_ports_is_wakened_by_any) {
    const EvtchnPort port = event::bind_ipi(a.domain, VcpuId{0}).take();
    const EvtchnPort ports[] = {EvtchnPort{8}, EvtchnPort{9}};
    EXPECT_FALSE(event::start_polling(*a.vcpus[1], ports).take());
    ASSERT_TRUE(event::send(a.domain, port).ok());
    EXPECT_TRUE(sched.is_woken(*a.vcpus[1]));
}

TEST_F(EventChannels, vcpu_that_stopped_polling_is_left_alone) {
    const EvtchnPort port = event::bind_ipi(a.domain, VcpuId{0}).take();
    EXPECT_FALSE(event::start_polling(*a.vcpus[1], std::span{&port, 1}).take());
    event::stop_polling(*a.vcpus[1]);
    ASSERT_TRUE(event::send(a.domain, port).ok());
    EXPECT_FALSE(sched.is_woken(*a.vcpus[1]));
}

TEST_F(EventChannels, polling_a_port_that_does_not_exist_is_refused) {
    const EvtchnPort ports[] = {EvtchnPort{1}, EvtchnPort{16}};
    EXPECT_EQ(error_of(event::start_polling(*a.vcpus[0], ports)), Error::BadPort);
    EXPECT_EQ(a.vcpus[0]->polled_port, 0U);
}

}  // namespace
