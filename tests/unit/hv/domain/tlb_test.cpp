// SPDX-License-Identifier: Apache-2.0
// When an entry flushes, and whom a flush waits for.
#include "hv/domain/tlb.hpp"

#include "tests/unit/hv/sched/sched_machine.hpp"

#include <chrono>
#include <thread>

namespace {

using hv::CpuId;
using hv::domain::Domain;
using hv::domain::flush_tlb;
using hv::domain::tlb_enter;
using hv::domain::tlb_leave;
using hv::domain::Vcpu;

class Tlb : public testing::Test {
  protected:
    Tlb() {
        for (Vcpu* v : {&a, &b, &c}) {
            v->domain = v == &c ? &other : &domain;
        }
    }
    static bool enter(CpuId cpu, Vcpu& v) {
        const bool flushes = tlb_enter(cpu, v);
        tlb_leave(cpu);
        return flushes;
    }
    static constexpr CpuId cpu0{0}, cpu1{1};
    Domain domain, other;
    Vcpu a, b, c;
};

TEST_F(Tlb, first_entry_flushes_and_the_next_does_not) {
    EXPECT_TRUE(enter(cpu0, a));
    EXPECT_FALSE(enter(cpu0, a));
    EXPECT_FALSE(enter(cpu0, a));
}

TEST_F(Tlb, other_vcpu_flushes) {
    enter(cpu0, a);
    EXPECT_TRUE(enter(cpu0, b));
    EXPECT_TRUE(enter(cpu0, a));
    EXPECT_TRUE(enter(cpu0, c));
}

TEST_F(Tlb, moving_flushes_there_and_back) {
    enter(cpu0, a);
    EXPECT_TRUE(enter(cpu1, a));
    EXPECT_FALSE(enter(cpu1, a));
    EXPECT_TRUE(enter(cpu0, a)) << "nobody else was on CPU 0, but a was elsewhere";
}

TEST_F(Tlb, changed_p2m_flushes_each_vcpu_once) {
    enter(cpu0, a);
    enter(cpu1, b);
    flush_tlb(domain);
    EXPECT_TRUE(enter(cpu0, a));
    EXPECT_FALSE(enter(cpu0, a));
    EXPECT_TRUE(enter(cpu1, b));
    enter(cpu0, c);
    flush_tlb(domain);
    EXPECT_FALSE(enter(cpu0, c)) << "another domain's p2m is the same";
}

TEST_F(Tlb, flush_waits_for_nobody_outside) {
    enter(cpu0, a);
    tlb_enter(cpu1, c);  // another domain's, inside
    const uint64_t before = sched_machine.total_kicks();
    flush_tlb(domain);
    EXPECT_EQ(sched_machine.total_kicks(), before);
    tlb_leave(cpu1);
}

TEST_F(Tlb, flush_waits_for_a_cpu_inside) {
    for (int round = 0; round < 20; ++round) {
        tlb_enter(cpu1, a);
        const uint64_t before = sched_machine.kicks[1];
        std::atomic<bool> is_flushed{false};
        std::thread flusher{[&] {
            flush_tlb(domain);
            is_flushed = true;
        }};
        while (sched_machine.kicks[1] == before) {
            std::this_thread::yield();
        }
        std::this_thread::sleep_for(std::chrono::milliseconds{2});
        EXPECT_FALSE(is_flushed);
        tlb_leave(cpu1);
        // In again at once, as a busy guest would be: with the new generation, so it may stay.
        EXPECT_TRUE(tlb_enter(cpu1, a));
        flusher.join();
        tlb_leave(cpu1);
    }
}

// With one kick only, the flush would wait for ever for a CPU that has not noticed it.
TEST_F(Tlb, lost_kick_is_sent_again) {
    constexpr uint64_t ms = 1'000'000;
    const auto kicks = [] { return sched_machine.kicks[1].load(); };
    tlb_enter(cpu1, a);
    const uint64_t before = kicks();
    std::thread flusher{[&] { flush_tlb(domain); }};
    for (uint64_t n = 1; n <= 5; ++n) {
        while (kicks() < before + n) {
            std::this_thread::yield();
        }
        std::this_thread::sleep_for(std::chrono::milliseconds{1});
        EXPECT_EQ(kicks(), before + n) << "no time has passed: no further kick";
        sched_machine.now_ns += 2 * ms;
    }
    tlb_leave(cpu1);
    flusher.join();
}

// A frame changes hands after each flush: no CPU may have entered before and still be inside.
TEST_F(Tlb, nobody_is_inside_with_what_was_flushed) {
    std::atomic<uint64_t> version{0};
    std::atomic<bool> is_over{false};
    std::array<std::atomic<uint64_t>, 2> seen{~uint64_t{0}, ~uint64_t{0}};  // while inside
    std::vector<std::thread> cpus;
    for (uint32_t n = 0; n < 2; ++n) {
        cpus.emplace_back([&, n] {
            Vcpu& v = n == 0 ? a : b;
            while (!is_over) {
                tlb_enter(CpuId{n}, v);
                seen[n] = version.load();  // the guest uses a translation
                for (int spin = 0; spin < 50; ++spin) {
                    __builtin_ia32_pause();
                }
                seen[n] = ~uint64_t{0};
                tlb_leave(CpuId{n});
            }
        });
    }
    for (uint64_t n = 1; n <= 2000; ++n) {
        version = n;  // the p2m changes
        flush_tlb(domain);
        for (const auto& s : seen) {
            ASSERT_GE(s.load(), n);
        }
    }
    is_over = true;
    for (std::thread& t : cpus) {
        t.join();
    }
}

}  // namespace
