// SPDX-License-Identifier: Apache-2.0
// Blocking, waking, going offline: whatever the order, no wake is lost and nobody runs who must
// not.
#include "tests/unit/hv/sched/sched_machine.hpp"

namespace {

using hv::sched::Request;
using hv::sched::RunState;
namespace sched = hv::sched;

using Block = SchedTest;

TEST_F(Block, blocked_vcpu_is_not_picked_until_woken) {
    Vcpu& v = add_running(cpu0);
    block(v);
    EXPECT_EQ(v.sched.state, RunState::Blocked);
    EXPECT_TRUE(sched::is_blocked(v));
    EXPECT_EQ(sched::pick(cpu0), nullptr);
    sched::wake(v);
    EXPECT_EQ(sched::pick(cpu0), &v);
    EXPECT_EQ(v.sched.state, RunState::Running);
}

TEST_F(Block, handlers_ask_for_the_current_vcpu) {
    Vcpu& v = add_running(cpu0);
    sched_machine.current = &v;
    sched::block_current();
    EXPECT_EQ(v.sched.request, Request::Block);
    sched::yield_current();
    EXPECT_EQ(v.sched.request, Request::Yield);
    sched::halt_current();
    EXPECT_EQ(v.sched.request, Request::Halt);
}

TEST_F(Block, forgotten_wakes_do_not_count_and_later_ones_do) {
    Vcpu& v = add_running(cpu0);
    sched_machine.current = &v;
    sched::wake(v);
    sched::forget_wakes();
    sched::halt_current();
    EXPECT_TRUE(sched::take_block_request(v, false));
    sched::forget_wakes();
    sched::wake(v);
    EXPECT_FALSE(sched::take_block_request(v, false));
}

TEST_F(Block, halt_blocks_too) {
    Vcpu& v = add_running(cpu0);
    v.sched.request = Request::Halt;
    sched::leave(v, false);
    EXPECT_EQ(v.sched.state, RunState::Blocked);
}

TEST_F(Block, wake_between_request_and_leave_is_seen) {
    Vcpu& v = add_running(cpu0);
    v.sched.request = Request::Block;
    EXPECT_TRUE(sched::take_block_request(v, false));  // the run loop decides to leave
    sched::wake(v);
    sched::leave(v, false);
    EXPECT_EQ(v.sched.state, RunState::Runnable);
    EXPECT_EQ(sched::pick(cpu0), &v);
}

TEST_F(Block, wake_before_the_request_is_seen) {
    Vcpu& v = add_running(cpu0);
    sched::wake(v);
    v.sched.request = Request::Block;
    EXPECT_FALSE(sched::take_block_request(v, false));
    EXPECT_TRUE(sched::take_block_request(v, false));  // used up
}

TEST_F(Block, pending_interrupt_keeps_it_runnable) {
    Vcpu& v = add_running(cpu0);
    v.sched.request = Request::Block;
    EXPECT_FALSE(sched::take_block_request(v, true));
    sched::leave(v, true);
    EXPECT_EQ(v.sched.state, RunState::Runnable);
    EXPECT_EQ(v.sched.request, Request::Continue);
}

TEST_F(Block, nobody_blocks_without_asking) {
    Vcpu& v = add_running(cpu0);
    EXPECT_FALSE(sched::take_block_request(v, false));
    sched::leave(v, false);
    EXPECT_EQ(v.sched.state, RunState::Runnable);
}

TEST_F(Block, running_vcpu_is_kicked_by_a_wake) {
    Vcpu& v = add_running(cpu1);
    sched::has_news(cpu1);
    const uint64_t before = kicks(cpu1);
    sched::wake(v);
    EXPECT_EQ(kicks(cpu1), before + 1);
    EXPECT_TRUE(sched::has_news(cpu1));
    EXPECT_FALSE(sched::has_news(cpu1));
}

TEST_F(Block, wake_does_nothing_to_the_offline_and_the_waiting) {
    Vcpu& off = add_vcpu();
    sched::wake(off);
    EXPECT_EQ(off.sched.state, RunState::Offline);
    Vcpu& waiting = add_online();
    sched::wake(waiting);
    EXPECT_EQ(sched::pick(cpu0), &waiting);
    EXPECT_EQ(sched::pick(cpu1), nullptr) << "queued twice";
}

TEST_F(Block, offline_takes_effect_in_every_state) {
    Vcpu& waiting = add_online();
    sched::set_online(waiting, false);
    EXPECT_TRUE(sched::is_offline(waiting));
    EXPECT_EQ(sched::pick(cpu0), nullptr);

    Vcpu& blocked = add_running(cpu0);
    block(blocked);
    sched::set_online(blocked, false);
    EXPECT_TRUE(sched::is_offline(blocked));
    sched::wake(blocked);
    EXPECT_EQ(sched::pick(cpu0), nullptr);

    sched::set_online(blocked, false);  // twice is allowed
    EXPECT_TRUE(sched::is_offline(blocked));
}

TEST_F(Block, offline_asks_a_running_vcpu_to_leave) {
    Vcpu& v = add_running(cpu1);
    sched::has_news(cpu1);
    const uint64_t before = kicks(cpu1);
    sched::set_online(v, false);
    EXPECT_EQ(kicks(cpu1), before + 1);
    EXPECT_TRUE(sched::has_news(cpu1));
    EXPECT_FALSE(sched::is_offline(v));
    EXPECT_TRUE(sched::should_leave(cpu1, v));
    sched::leave(v, true);
    EXPECT_TRUE(sched::is_offline(v));
    EXPECT_EQ(sched::pick(cpu1), nullptr);
}

TEST_F(Block, online_again_before_leaving_keeps_it) {
    Vcpu& v = add_running(cpu1);
    sched::set_online(v, false);
    sched::set_online(v, true);
    EXPECT_FALSE(sched::should_leave(cpu1, v));
    sched::leave(v, false);
    EXPECT_EQ(v.sched.state, RunState::Runnable);
}

// STARTUP from one vCPU, or VCPUOP_up, may come right after another one has ended the domain.
TEST_F(Block, vcpu_of_an_ended_domain_stays_offline) {
    Vcpu& v = add_vcpu();
    Vcpu& runs = add_running(cpu1);
    domain.is_dying = true;
    sched::set_online(v, true);
    EXPECT_TRUE(sched::is_offline(v));
    EXPECT_FALSE(v.is_up);
    EXPECT_EQ(sched::pick(cpu0), nullptr);
    sched::set_online(runs, false);
    sched::set_online(runs, true);
    EXPECT_TRUE(sched::should_leave(cpu1, runs));
}

TEST_F(Block, time_is_booked_to_the_state_it_was_spent_in) {
    Vcpu& v = add_vcpu();
    advance(1);
    sched::set_online(v, true);
    advance(10);
    ASSERT_EQ(sched::pick(cpu0), &v);
    advance(100);
    block(v);
    advance(1000);
    sched::wake(v);
    EXPECT_EQ(v.sched.time_ns, (std::array<uint64_t, 4>{1, 1000, 10, 100}));
}

}  // namespace
