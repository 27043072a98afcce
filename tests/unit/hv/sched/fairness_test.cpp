// SPDX-License-Identifier: Apache-2.0
// Who runs next, for how long, and where.
#include "tests/unit/hv/sched/sched_machine.hpp"

#include <algorithm>
#include <random>
#include <vector>

namespace {

using hv::CpuId;
using hv::sched::Request;
using hv::sched::RunState;
using hv::sched::slice_ns;
namespace sched = hv::sched;

constexpr uint64_t ms = 1'000'000;

class Fairness : public SchedTest {
  protected:
    static uint64_t ran(const Vcpu& v) {
        return v.sched.time_ns[static_cast<size_t>(RunState::Running)];
    }
    // CPU 0 for that long with vCPUs that never block and exit at random.
    void run(uint64_t duration_ns) {
        const uint64_t end = now() + duration_ns;
        while (now() < end) {
            Vcpu* v = sched::pick(cpu0);
            ASSERT_NE(v, nullptr);
            do {
                advance(1 + random_() % (3 * ms));
            } while (!sched::should_leave(cpu0, *v) && now() < end);
            sched::leave(*v, false);
        }
    }
    std::mt19937 random_{7};
};

TEST_F(Fairness, equals_run_in_turn) {
    Vcpu& a = add_online();
    Vcpu& b = add_online();
    ASSERT_EQ(sched::pick(cpu0), &a);
    advance(slice_ns);
    EXPECT_TRUE(sched::should_leave(cpu0, a));
    sched::leave(a, false);
    EXPECT_EQ(sched::pick(cpu0), &b);
    EXPECT_EQ(sched::pick(cpu1), &a);
}

TEST_F(Fairness, busy_vcpus_get_equal_shares) {
    std::vector<Vcpu*> all;
    for (int n = 0; n < 5; ++n) {
        all.push_back(&add_online());
    }
    constexpr uint64_t duration = 5000 * ms;
    run(duration);
    for (const Vcpu* v : all) {
        EXPECT_NEAR(static_cast<double>(ran(*v)), duration / 5, 3 * slice_ns);
    }
}

TEST_F(Fairness, sleeper_gets_no_arrears) {
    Vcpu& busy = add_online();
    Vcpu& sleeper = add_vcpu();
    run(3000 * ms);
    sched::set_online(sleeper, true);
    const uint64_t before = ran(busy);
    run(1000 * ms);
    EXPECT_NEAR(static_cast<double>(ran(busy) - before), 500 * ms, 3 * slice_ns);
}

TEST_F(Fairness, alone_it_stays_as_long_as_it_likes) {
    Vcpu& v = add_running(cpu0);
    advance(100 * slice_ns);
    EXPECT_FALSE(sched::should_leave(cpu0, v));
    EXPECT_EQ(sched::next_deadline(cpu0), 0U);
}

TEST_F(Fairness, slice_ends_when_somebody_waits) {
    Vcpu& v = add_running(cpu0);
    const uint64_t start = now();
    Vcpu& other = add_online();
    other.sched.run_ns = v.sched.run_ns + 100 * ms;  // no claim to preempt
    EXPECT_EQ(sched::next_deadline(cpu0), start + slice_ns);
    advance(slice_ns - 1);
    EXPECT_FALSE(sched::should_leave(cpu0, v));
    advance(1);
    EXPECT_TRUE(sched::should_leave(cpu0, v));
}

TEST_F(Fairness, who_had_less_preempts) {
    Vcpu& v = add_running(cpu0);
    advance(5 * ms);
    add_online();  // starts with a slice's credit
    EXPECT_TRUE(sched::should_leave(cpu0, v));
}

// Who has a claim comes as soon as the other one has had its least turn.
TEST_F(Fairness, who_wakes_often_leaves_turns_to_others) {
    constexpr uint64_t us = 1'000;
    Vcpu& busy = add_running(cpu0);
    advance(100 * ms);
    Vcpu& nervous = add_online();
    unsigned changes = 0;
    const uint64_t start = now();
    for (; now() < start + 20 * ms; advance(us)) {
        if (nervous.sched.state == RunState::Blocked) {
            sched::wake(nervous);
        }
        if (sched::should_leave(cpu0, busy)) {
            sched::leave(busy, false);
            ASSERT_EQ(sched::pick(cpu0), &nervous);
            advance(us);
            block(nervous);
            ASSERT_EQ(sched::pick(cpu0), &busy);
            ++changes;
            const uint64_t turn_start = now();
            sched::wake(nervous);
            EXPECT_FALSE(sched::should_leave(cpu0, busy));
            EXPECT_LT(sched::next_deadline(cpu0), turn_start + ms);
            EXPECT_GT(sched::next_deadline(cpu0), turn_start + ms / 4);
        }
    }
    EXPECT_GE(changes, 20U);
    EXPECT_LE(changes, 50U);
}

TEST_F(Fairness, a_small_advantage_does_not_preempt) {
    Vcpu& v = add_running(cpu0);
    advance(ms);
    Vcpu& other = add_vcpu();
    other.sched.run_ns = v.sched.run_ns;
    sched::set_online(other, true);
    EXPECT_FALSE(sched::should_leave(cpu0, v));
}

TEST_F(Fairness, yield_lets_the_next_one_go_first) {
    Vcpu& v = add_running(cpu0);
    Vcpu& other = add_online();
    other.sched.run_ns = v.sched.run_ns;
    sched::set_online(other, false);
    sched::set_online(other, true);
    v.sched.request = Request::Yield;
    sched::leave(v, false);
    EXPECT_EQ(v.sched.state, RunState::Runnable);
    EXPECT_EQ(v.sched.request, Request::Continue);
    EXPECT_EQ(sched::pick(cpu0), &other);
    EXPECT_EQ(sched::pick(cpu1), &v);
}

TEST_F(Fairness, alone_a_yield_changes_nothing) {
    Vcpu& v = add_running(cpu0);
    v.sched.request = Request::Yield;
    sched::leave(v, false);
    EXPECT_EQ(sched::pick(cpu0), &v);
}

// CPUs whose vCPUs never exit: they look around only when they are kicked, or when the deadline
// comes that they asked for last.
class TwoCpus : public Fairness {
  protected:
    struct Cpu {
        CpuId id;
        Vcpu* runs = nullptr;
        uint64_t deadline_ns = 0;
        uint64_t kicks_seen = 0;
    };
    static void look(Cpu& c) {
        sched::has_news(c.id);
        c.kicks_seen = kicks(c.id);
        if (c.runs != nullptr && sched::should_leave(c.id, *c.runs)) {
            sched::leave(*c.runs, false);
            c.runs = nullptr;
        }
        if (c.runs == nullptr) {
            c.runs = sched::pick(c.id);
        }
        c.deadline_ns = sched::next_deadline(c.id);
    }
    void run_both(uint64_t duration_ns) {
        for (const uint64_t end = now() + duration_ns; now() < end; advance(ms)) {
            for (Cpu* c : {&first, &second}) {
                if (kicks(c->id) != c->kicks_seen ||
                    (c->deadline_ns != 0 && now() >= c->deadline_ns)) {
                    look(*c);
                }
            }
        }
    }
    Cpu first{.id = cpu1}, second{.id = cpu2};
};

// Everybody else has run on the first CPU: that is the one that is told.
TEST_F(TwoCpus, who_ran_alone_makes_room_for_who_waits) {
    Vcpu& hog = add_online();
    look(second);
    ASSERT_EQ(second.runs, &hog);
    ASSERT_EQ(second.deadline_ns, 0U);
    run_both(100 * ms);

    std::vector<Vcpu*> all{&hog};
    for (int n = 0; n < 3; ++n) {
        Vcpu& v = add_vcpu();
        v.sched.cpu = cpu1;
        sched::set_online(v, true);
        all.push_back(&v);
    }
    look(first);
    constexpr uint64_t duration = 4000 * ms;
    run_both(duration);
    for (Cpu* c : {&first, &second}) {
        sched::leave(*c->runs, false);
    }
    EXPECT_NEAR(static_cast<double>(ran(hog) - 100 * ms), duration / 2, 3 * slice_ns);
    for (const Vcpu* v : all) {
        EXPECT_NEAR(static_cast<double>(ran(*v)), duration / 2, 100 * ms + 3 * slice_ns);
    }
}

TEST_F(TwoCpus, each_is_told_once_until_it_looks) {
    Vcpu& hog = add_online();
    look(second);
    Vcpu& other = add_online();
    look(first);
    ASSERT_NE(first.runs, second.runs);
    look(second);
    const uint64_t before = kicks(cpu2);
    add_online();
    EXPECT_EQ(kicks(cpu2), before + 1);
    EXPECT_TRUE(sched::has_news(cpu2));
    add_online();
    EXPECT_EQ(kicks(cpu2), before + 1);
    look(second);
    add_online();
    EXPECT_EQ(kicks(cpu2), before + 1) << "its timer is armed";
    EXPECT_NE(hog.sched.state, RunState::Offline);
    EXPECT_NE(other.sched.state, RunState::Offline);
}

TEST_F(Fairness, idle_cpu_is_told_its_last_one_first) {
    Vcpu& v = add_running(cpu2);
    block(v);
    for (const CpuId cpu : {cpu0, cpu1, cpu2}) {
        EXPECT_EQ(sched::pick(cpu), nullptr);
    }
    sched::wake(v);
    EXPECT_EQ(kicks(cpu2), 1U);
    EXPECT_EQ(sched_machine.total_kicks() - kicks(CpuId{0}), 1U);
}

TEST_F(Fairness, each_idle_cpu_is_told_once) {
    Vcpu& a = add_vcpu();
    Vcpu& b = add_vcpu();
    Vcpu& c = add_vcpu();
    a.sched.cpu = b.sched.cpu = c.sched.cpu = cpu1;
    EXPECT_EQ(sched::pick(cpu1), nullptr);
    EXPECT_EQ(sched::pick(cpu2), nullptr);
    sched::set_online(a, true);
    EXPECT_EQ(kicks(cpu1), 1U);
    sched::set_online(b, true);
    EXPECT_EQ(kicks(cpu2), 1U);
    EXPECT_EQ(kicks(cpu1), 1U);
    sched::set_online(c, true);  // nobody is idle: the last one decides about preemption
    EXPECT_EQ(kicks(cpu1), 2U);
}

}  // namespace
