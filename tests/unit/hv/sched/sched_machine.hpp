// SPDX-License-Identifier: Apache-2.0
// What the real scheduler asks of the machine, as a test sees it: a clock that stands still unless
// told otherwise, and CPUs that remember who kicked them. And the current vCPU.
#pragma once

#include "hv/domain/domain.hpp"
#include "hv/domain/vcpu.hpp"
#include "hv/sched/sched.hpp"

#include <array>
#include <atomic>
#include <deque>

#include <gtest/gtest.h>

struct SchedMachine {
    static constexpr size_t cpu_count = 64;
    std::atomic<uint64_t> now_ns{1'000'000};
    std::array<std::atomic<uint64_t>, cpu_count> kicks{};
    hv::domain::Vcpu* current = nullptr;

    [[nodiscard]] uint64_t total_kicks() const {
        uint64_t total = 0;
        for (const auto& k : kicks) {
            total += k.load();
        }
        return total;
    }
};
inline SchedMachine sched_machine;

// Domains with vCPUs under the real scheduler, which they leave when the test is over: its state is
// the program's.
class SchedTest : public testing::Test {
  protected:
    using Vcpu = hv::domain::Vcpu;
    static constexpr hv::CpuId cpu0{0}, cpu1{1}, cpu2{2};

    SchedTest() {
        sched_machine.current = nullptr;
        make_no_cpu_idle();
        for (auto& k : sched_machine.kicks) {
            k = 0;
        }
        for (uint32_t n = 0; n < SchedMachine::cpu_count; ++n) {
            hv::sched::has_news(hv::CpuId{n});
        }
    }
    ~SchedTest() override {
        for (Vcpu& v : vcpus_) {
            hv::sched::set_online(v, false);
            if (v.sched.state == hv::sched::RunState::Running) {
                hv::sched::leave(v, false);
            }
        }
        EXPECT_EQ(hv::sched::pick(cpu0), nullptr);
    }

    Vcpu& add_vcpu(hv::domain::Domain& d) {
        Vcpu& v = vcpus_.emplace_back();
        v.domain = &d;
        v.id = hv::VcpuId{static_cast<uint32_t>(d.vcpus.size())};
        v.is_initialised = true;
        EXPECT_TRUE(d.vcpus.push(&v).ok());
        hv::sched::init(v);
        return v;
    }
    Vcpu& add_vcpu() { return add_vcpu(domain); }
    Vcpu& add_online() {
        Vcpu& v = add_vcpu();
        hv::sched::set_online(v, true);
        return v;
    }
    // A vCPU that was picked by that CPU; nobody else may be waiting.
    Vcpu& add_running(hv::CpuId cpu) {
        Vcpu& v = add_online();
        EXPECT_EQ(hv::sched::pick(cpu), &v);
        return v;
    }
    static void advance(uint64_t ns) { sched_machine.now_ns += ns; }
    static uint64_t now() { return sched_machine.now_ns; }
    static uint64_t kicks(hv::CpuId cpu) { return sched_machine.kicks[cpu.value()]; }
    static void block(Vcpu& v) {
        v.sched.request = hv::sched::Request::Block;
        hv::sched::leave(v, false);
    }

    hv::domain::Domain domain;
    std::deque<hv::domain::Domain> more_domains;

  private:
    // Idle CPUs of an earlier test are told about this vCPU, one each time.
    void make_no_cpu_idle() {
        Vcpu& v = add_vcpu();
        for (size_t n = 0; n < SchedMachine::cpu_count; ++n) {
            hv::sched::set_online(v, true);
            hv::sched::set_online(v, false);
        }
    }
    std::deque<Vcpu> vcpus_;
};
