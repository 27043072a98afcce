// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/hv/sched/sched_machine.hpp"

#include <vector>

namespace {

using hv::CpuId;
using hv::sched::slice_ns;
using hv::sched::Timer;
using hv::sched::TimerKind;
namespace sched = hv::sched;

class Timers : public SchedTest {
  protected:
    struct Fired {
        Vcpu* vcpu;
        TimerKind kind;
        bool operator==(const Fired&) const = default;
    };
    static std::vector<Fired> fired(CpuId cpu) {
        std::vector<Fired> all;
        while (const Timer* t = sched::pop_expired(cpu, now())) {
            EXPECT_FALSE(t->is_armed);
            all.push_back({t->vcpu, t->kind});
        }
        return all;
    }
};

TEST_F(Timers, nothing_expires_early) {
    Vcpu& v = add_running(cpu0);
    sched::set_singleshot_timer(v, now() + 100);
    EXPECT_EQ(sched::next_deadline(cpu0), now() + 100);
    advance(99);
    EXPECT_TRUE(fired(cpu0).empty());
    advance(1);
    EXPECT_EQ(fired(cpu0), (std::vector<Fired>{{&v, TimerKind::Singleshot}}));
    EXPECT_EQ(sched::next_deadline(cpu0), 0U);
}

TEST_F(Timers, earliest_first_and_equals_in_order) {
    Vcpu& a = add_running(cpu0);
    sched::set_lapic_timer(a, now() + 30);
    sched::set_singleshot_timer(a, now() + 10);
    sched::set_poll_timer(a, now() + 30);
    EXPECT_EQ(sched::next_deadline(cpu0), now() + 10);
    advance(50);
    EXPECT_EQ(fired(cpu0),
              (std::vector<Fired>{
                  {&a, TimerKind::Singleshot}, {&a, TimerKind::Lapic}, {&a, TimerKind::Poll}}));
}

TEST_F(Timers, deadline_in_the_past_expires_at_once) {
    Vcpu& v = add_running(cpu0);
    sched::set_singleshot_timer(v, 1);
    EXPECT_EQ(fired(cpu0).size(), 1U);
}

TEST_F(Timers, disarmed_and_moved_ones_do_not_expire) {
    Vcpu& a = add_running(cpu0);
    sched::set_singleshot_timer(a, now() + 10);
    sched::set_poll_timer(a, now() + 20);
    sched::set_lapic_timer(a, now() + 30);
    sched::set_poll_timer(a, 0);  // in the middle
    sched::set_singleshot_timer(a, now() + 1000);
    EXPECT_EQ(sched::next_deadline(cpu0), now() + 30);
    advance(100);
    EXPECT_EQ(fired(cpu0), (std::vector<Fired>{{&a, TimerKind::Lapic}}));
    sched::set_poll_timer(a, 0);  // not armed: nothing happens
    sched::set_singleshot_timer(a, 0);
    EXPECT_EQ(sched::next_deadline(cpu0), 0U);
}

TEST_F(Timers, arming_is_news_for_the_cpu) {
    Vcpu& v = add_running(cpu1);
    sched::has_news(cpu1);
    sched::set_lapic_timer(v, now() + 10);
    EXPECT_TRUE(sched::has_news(cpu1));
}

TEST_F(Timers, timer_follows_its_vcpu_when_armed_again) {
    Vcpu& v = add_running(cpu1);
    sched::set_singleshot_timer(v, now() + 10);
    sched::set_poll_timer(v, now() + 20);
    sched::leave(v, false);
    ASSERT_EQ(sched::pick(cpu2), &v);
    sched::set_singleshot_timer(v, now() + 15);
    EXPECT_EQ(sched::next_deadline(cpu1), now() + 20);  // not moved yet
    EXPECT_EQ(sched::next_deadline(cpu2), now() + 15);
    advance(30);
    EXPECT_EQ(fired(cpu1), (std::vector<Fired>{{&v, TimerKind::Poll}}));
    EXPECT_EQ(fired(cpu2), (std::vector<Fired>{{&v, TimerKind::Singleshot}}));
    sched::set_poll_timer(v, now() + 5);
    sched::set_poll_timer(v, 0);
    EXPECT_EQ(sched::next_deadline(cpu1), 0U);
}

TEST_F(Timers, deadline_is_the_earlier_of_timer_and_slice) {
    Vcpu& v = add_running(cpu0);
    const uint64_t slice_end = now() + slice_ns;
    sched::set_singleshot_timer(v, slice_end + 5);
    add_online();
    EXPECT_EQ(sched::next_deadline(cpu0), slice_end);
    sched::set_singleshot_timer(v, slice_end - 5);
    EXPECT_EQ(sched::next_deadline(cpu0), slice_end - 5);
    sched::leave(v, false);
    EXPECT_EQ(sched::next_deadline(cpu0), slice_end - 5);  // nobody runs: no slice
}

// Armed after all else, or it would be over before the vCPU is in its guest.
TEST_F(Timers, look_is_soon_after_arming_and_once) {
    Vcpu& v = add_running(cpu1);
    sched_machine.current = &v;
    sched::has_news(cpu1);
    sched::look_again_soon();
    EXPECT_TRUE(sched::has_news(cpu1));
    advance(500'000);
    EXPECT_EQ(sched::next_deadline(cpu1), now() + 100'000);
    EXPECT_EQ(sched::next_deadline(cpu1), 0U);
    sched::set_singleshot_timer(v, now() + 10);
    sched::look_again_soon();
    EXPECT_EQ(sched::next_deadline(cpu1), now() + 10);
}

TEST_F(Timers, going_offline_disarms) {
    Vcpu& v = add_running(cpu0);
    sched::set_singleshot_timer(v, now() + 10);
    sched::set_poll_timer(v, now() + 10);
    sched::set_lapic_timer(v, now() + 10);
    sched::set_online(v, false);
    EXPECT_EQ(sched::next_deadline(cpu0), 0U);
}

// Taken offline by another CPU in the middle of a hypercall that arms a timer.
TEST_F(Timers, vcpu_on_its_way_out_arms_none) {
    Vcpu& v = add_running(cpu0);
    sched::set_online(v, false);
    sched::set_singleshot_timer(v, now() + 10);
    sched::set_lapic_timer(v, now() + 10);
    EXPECT_EQ(sched::next_deadline(cpu0), 0U);
}

}  // namespace
