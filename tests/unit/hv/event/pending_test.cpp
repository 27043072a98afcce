// SPDX-License-Identifier: Apache-2.0
// The 2-level ABI, bit by bit.
#include "hv/event/pending.hpp"

#include "hv/abi/xen_hvm.hpp"
#include "tests/fake/fake_sched.hpp"
#include "tests/unit/hv/event/event_domain.hpp"

#include <gtest/gtest.h>

namespace {

using hv::EvtchnPort;
using hv::VcpuId;
namespace event = hv::event;

class Pending : public testing::Test {
  protected:
    FakeSched sched;
    EventDomain d{1, 2, 4096};
};

TEST_F(Pending, event_sets_pending_selector_and_upcall_and_wakes) {
    event::set_pending(d.domain, EvtchnPort{130}, VcpuId{1});
    EXPECT_EQ(d.shared_info.evtchn_pending[2], 1U << 2);
    EXPECT_EQ(d.shared_info.vcpu_info[1].evtchn_pending_sel, 1U << 2);
    EXPECT_TRUE(d.has_upcall(1));
    EXPECT_FALSE(d.has_upcall(0));
    EXPECT_TRUE(sched.is_woken(*d.vcpus[1]));
    EXPECT_FALSE(sched.is_woken(*d.vcpus[0]));
    EXPECT_TRUE(event::upcall_wanted(*d.vcpus[1]));
    EXPECT_FALSE(event::upcall_wanted(*d.vcpus[0]));
}

TEST_F(Pending, last_port_uses_the_last_bit_of_both_levels) {
    event::set_pending(d.domain, EvtchnPort{4095}, VcpuId{0});
    EXPECT_EQ(d.shared_info.evtchn_pending[63], uint64_t{1} << 63);
    EXPECT_EQ(d.shared_info.vcpu_info[0].evtchn_pending_sel, uint64_t{1} << 63);
}

TEST_F(Pending, masked_event_is_pending_but_disturbs_nobody) {
    d.mask(EvtchnPort{5});
    event::set_pending(d.domain, EvtchnPort{5}, VcpuId{0});
    EXPECT_TRUE(d.is_pending(EvtchnPort{5}));
    EXPECT_EQ(d.shared_info.vcpu_info[0].evtchn_pending_sel, 0U);
    EXPECT_FALSE(d.has_upcall(0));
    EXPECT_TRUE(sched.woken.empty());
}

TEST_F(Pending, second_event_before_the_guest_looked_changes_nothing) {
    event::set_pending(d.domain, EvtchnPort{5}, VcpuId{0});
    sched.woken.clear();
    d.take_upcall(0);  // The pending bit stays, as if the guest had not come to it yet.
    event::set_pending(d.domain, EvtchnPort{5}, VcpuId{0});
    EXPECT_FALSE(d.has_upcall(0));
    EXPECT_TRUE(sched.woken.empty());
}

TEST_F(Pending, upcall_that_is_pending_already_wakes_nobody_again) {
    event::set_pending(d.domain, EvtchnPort{5}, VcpuId{0});
    sched.woken.clear();
    event::set_pending(d.domain, EvtchnPort{70}, VcpuId{0});
    EXPECT_EQ(d.shared_info.vcpu_info[0].evtchn_pending_sel, 3U);
    EXPECT_TRUE(sched.woken.empty());
}

TEST_F(Pending, unmasking_delivers_what_came_meanwhile) {
    d.mask(EvtchnPort{5});
    event::set_pending(d.domain, EvtchnPort{5}, VcpuId{1});
    event::unmask_pending(d.domain, EvtchnPort{5}, VcpuId{1});
    EXPECT_EQ(d.shared_info.evtchn_mask[0], 0U);
    EXPECT_TRUE(d.has_upcall(1));
    EXPECT_TRUE(sched.is_woken(*d.vcpus[1]));
}

TEST_F(Pending, unmasking_a_quiet_or_unmasked_port_disturbs_nobody) {
    d.mask(EvtchnPort{5});
    event::unmask_pending(d.domain, EvtchnPort{5}, VcpuId{0});
    EXPECT_FALSE(d.has_upcall(0));
    event::set_pending(d.domain, EvtchnPort{5}, VcpuId{0});
    d.take_upcall(0);
    event::unmask_pending(d.domain, EvtchnPort{5}, VcpuId{0});
    EXPECT_FALSE(d.has_upcall(0));
}

TEST_F(Pending, vcpu_without_vcpu_info_loses_no_event) {
    d.vcpus[1]->info = nullptr;
    event::set_pending(d.domain, EvtchnPort{9}, VcpuId{1});
    EXPECT_TRUE(d.is_pending(EvtchnPort{9}));
    EXPECT_FALSE(event::upcall_wanted(*d.vcpus[1]));

    hv::abi::VcpuInfo registered{};
    registered.evtchn_upcall_mask = 0xff;
    event::move_vcpu_info(*d.vcpus[1], &registered);
    EXPECT_EQ(registered.evtchn_pending_sel, ~uint64_t{0});
    EXPECT_EQ(registered.evtchn_upcall_mask, 0U);  // nothing of the old contents stays
    EXPECT_TRUE(event::upcall_wanted(*d.vcpus[1]));
    EXPECT_TRUE(sched.is_woken(*d.vcpus[1]));
}

TEST_F(Pending, moved_vcpu_info_keeps_the_time_and_takes_later_events) {
    d.shared_info.vcpu_info[0].time.system_time = 42;
    hv::abi::VcpuInfo registered{};
    event::move_vcpu_info(*d.vcpus[0], &registered);
    EXPECT_EQ(registered.time.system_time, 42U);
    registered.evtchn_upcall_pending = 0;
    registered.evtchn_pending_sel = 0;
    event::set_pending(d.domain, EvtchnPort{1}, VcpuId{0});
    EXPECT_EQ(registered.evtchn_upcall_pending, 1U);
    EXPECT_EQ(registered.evtchn_pending_sel, 1U);
}

TEST_F(Pending, callback_vector_is_there_only_for_the_vector_type) {
    uint64_t& via = d.domain.hvm_params[0];
    EXPECT_EQ(event::callback_vector(d.domain), std::nullopt);
    via = 9;  // a GSI
    EXPECT_EQ(event::callback_vector(d.domain), std::nullopt);
    via = hv::abi::HVM_PARAM_CALLBACK_TYPE_VECTOR << 56 | 0xf3;
    EXPECT_EQ(event::callback_vector(d.domain), 0xf3);
}

}  // namespace
