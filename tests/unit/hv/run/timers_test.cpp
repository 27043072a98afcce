// SPDX-License-Identifier: Apache-2.0
// When the host's timer is armed, and for what. The scheduler and the virtual APIC are the real
// ones; the host's CPU and its timer are the test's.
#include "hv/run/timers.hpp"

#include "hv/dev/clock.hpp"
#include "hv/dev/log.hpp"
#include "hv/dev/uart.hpp"
#include "hv/hvm/lapic.hpp"
#include "hv/launch/phase.hpp"
#include "hv/x86/apic.hpp"
#include "hv/x86/cpu_local.hpp"
#include "tests/unit/hv/sched/sched_machine.hpp"

namespace {

struct Host {
    hv::x86::CpuLocal local;
    uint32_t ticks = 0;  // what the timer was last started with
    uint64_t reap_ns = 0;
    uint64_t uart_ns = 0;
};
Host host;

}  // namespace

namespace hv::x86 {
CpuLocal& this_cpu() {
    return host.local;
}
void apic_timer_start(uint32_t ticks) {
    host.ticks = ticks;
}
uint32_t apic_timer_left() {
    return 1;
}
}  // namespace hv::x86

namespace hv::dev {
uint64_t apic_timer_hz() {
    return 2'000'000'000;
}
uint64_t uart_deadline_ns() {
    return host.uart_ns;
}
void uart_pump() {
    if (host.uart_ns <= sched::now_ns()) {
        host.uart_ns = 0;
    }
}
void log(std::string_view) {}
Record::Record(std::string_view) {}
Record::~Record() = default;
Record& Record::with(std::string_view, uint64_t) {
    return *this;
}
Record& Record::with(std::string_view, std::string_view) {
    return *this;
}
}  // namespace hv::dev

uint64_t hv::hyperlaunch::reap_deadline_ns() {
    return host.reap_ns;
}

namespace {

using hv::run::arm_host_timer;
using hv::run::serve_timers;

class Timers : public SchedTest {
  protected:
    static constexpr uint64_t ms = 1'000'000;
    static constexpr uint32_t ticks_per_ms = 2'000'000;

    Timers() {
        host = Host{};
        vcpu.lapic = &lapic;
        lapic.mmio_write(0xf0, 0x1ff, now());
    }
    void start_apic_timer(uint32_t mode, uint32_t ns) {
        lapic.mmio_write(0x3e0, 0xb, now());
        lapic.mmio_write(0x320, mode | 0x55, now());
        lapic.mmio_write(0x380, ns, now());
        hv::sched::set_lapic_timer(vcpu, *lapic.deadline_ns());
    }
    static constexpr uint32_t one_shot = 0, periodic = 1 << 17;
    // What the run loop does after an exit, before it enters the guest again.
    void look_around() {
        serve_timers(cpu0, &vcpu);
        arm_host_timer(cpu0);
    }
    Vcpu& vcpu = add_running(cpu0);
    hv::hvm::LocalApic lapic{hv::VcpuId{0}, true};
};

TEST_F(Timers, host_timer_runs_until_the_deadline) {
    start_apic_timer(one_shot, 3 * ms);
    look_around();
    EXPECT_EQ(host.ticks, 3 * ticks_per_ms);
    host.ticks = 0;  // it has run down
    advance(3 * ms);
    look_around();
    EXPECT_EQ(lapic.highest_deliverable(), 0x55);
    EXPECT_EQ(host.ticks, 0U) << "nothing is left to wait for";
}

TEST_F(Timers, periodic_timer_is_armed_for_its_next_period_before_the_guest_runs) {
    start_apic_timer(periodic, 2 * ms);
    look_around();
    for (int period = 1; period <= 5; ++period) {
        advance(2 * ms);
        host.ticks = 0;
        look_around();
        EXPECT_EQ(host.ticks, 2 * ticks_per_ms) << period;
        EXPECT_EQ(lapic.highest_deliverable(), 0x55);
        lapic.begin_service(0x55);
        lapic.eoi();
    }
}

TEST_F(Timers, timer_that_came_while_the_vcpu_was_away_is_armed_when_it_returns) {
    start_apic_timer(periodic, 2 * ms);
    block(vcpu);
    advance(2 * ms);
    serve_timers(cpu0, nullptr);  // whoever is there notes and wakes
    ASSERT_EQ(hv::sched::pick(cpu0), &vcpu);
    look_around();
    EXPECT_EQ(host.ticks, 2 * ticks_per_ms);
    EXPECT_EQ(lapic.highest_deliverable(), 0x55);
}

// With nothing else to do this CPU would sleep over it.
TEST_F(Timers, output_that_waits_is_looked_after) {
    host.uart_ns = now() + ms;
    look_around();
    EXPECT_EQ(host.ticks, ticks_per_ms);
    advance(ms);
    look_around();
    EXPECT_EQ(host.uart_ns, 0U) << "the UART was given some";
}

TEST_F(Timers, same_deadline_is_not_armed_twice) {
    start_apic_timer(one_shot, 3 * ms);
    look_around();
    host.ticks = 0;
    advance(ms);
    look_around();
    EXPECT_EQ(host.ticks, 0U) << "programming the timer costs";
}

TEST_F(Timers, deadline_in_the_past_fires_at_once) {
    hv::sched::set_poll_timer(vcpu, now() - 5);
    arm_host_timer(cpu0);
    EXPECT_EQ(host.ticks, 1U);
}

TEST_F(Timers, long_waits_are_looked_at_every_second) {
    hv::sched::set_poll_timer(vcpu, now() + 3600 * 1000 * ms);
    arm_host_timer(cpu0);
    EXPECT_EQ(host.ticks, 2'000'000'000U);
}

TEST_F(Timers, ended_domains_are_waited_for_too) {
    hv::sched::set_poll_timer(vcpu, now() + 5 * ms);
    host.reap_ns = now() + ms;
    arm_host_timer(cpu0);
    EXPECT_EQ(host.ticks, ticks_per_ms);
    EXPECT_FALSE(hv::run::is_reaping_due());
    advance(ms);
    EXPECT_TRUE(hv::run::is_reaping_due());
    host.reap_ns = 0;
    EXPECT_FALSE(hv::run::is_reaping_due());
}

}  // namespace
