// SPDX-License-Identifier: Apache-2.0
// CPUs as threads: vCPUs that sleep until work comes, and a source of work that wakes them. If a
// wake is lost, work is left over while its vCPU sleeps.
#include "tests/unit/hv/sched/sched_machine.hpp"

#include <chrono>
#include <random>
#include <thread>
#include <vector>

namespace {

using hv::CpuId;
using hv::sched::Request;
namespace sched = hv::sched;

class Race : public SchedTest {
  protected:
    static constexpr unsigned vcpu_count = 5;
    static constexpr unsigned cpu_count = 3;

    struct Work {
        Vcpu* vcpu = nullptr;
        std::atomic<uint64_t> made{0}, done{0};
        std::atomic<unsigned> inside{0};  // CPUs that run the vCPU
    };
    Work& work_of(const Vcpu& v) { return work[v.id.value() - first_id]; }

    // One CPU's run loop; the guest works off what there is and halts.
    void cpu_loop(CpuId cpu) {
        while (!is_over) {
            Vcpu* v = sched::pick(cpu);
            if (v == nullptr) {
                std::this_thread::yield();
                continue;
            }
            Work& w = work_of(*v);
            EXPECT_EQ(w.inside.fetch_add(1), 0U) << "on two CPUs at once";
            do {
                w.done.store(w.made.load());
                advance(1000);
                v->sched.request = Request::Block;
            } while (!sched::take_block_request(*v, w.made != w.done) &&
                     !sched::should_leave(cpu, *v));
            w.inside.fetch_sub(1);
            sched::leave(*v, w.made != w.done);
        }
    }
    bool is_all_done() {
        for (const Work& w : work) {
            if (w.done != w.made) {
                return false;
            }
        }
        return true;
    }

    uint32_t first_id = 0;
    std::array<Work, vcpu_count> work;
    std::atomic<bool> is_over{false};
};

TEST_F(Race, no_wake_is_lost_and_nobody_runs_twice) {
    for (Work& w : work) {
        w.vcpu = &add_online();
    }
    first_id = work[0].vcpu->id.value();
    std::vector<std::thread> cpus;
    for (uint32_t n = 0; n < cpu_count; ++n) {
        cpus.emplace_back([this, n] { cpu_loop(CpuId{n}); });
    }
    std::mt19937 random{3};
    for (unsigned n = 0; n < 20'000; ++n) {
        Work& w = work[random() % vcpu_count];
        ++w.made;
        sched::wake(*w.vcpu);
        if (random() % 64 == 0) {
            std::this_thread::yield();
        }
    }
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (!is_all_done() && std::chrono::steady_clock::now() < give_up) {
        std::this_thread::yield();
    }
    EXPECT_TRUE(is_all_done()) << "somebody sleeps over its work";
    is_over = true;
    for (std::thread& t : cpus) {
        t.join();
    }
}

}  // namespace
