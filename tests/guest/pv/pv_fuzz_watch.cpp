// SPDX-License-Identifier: Apache-2.0
// Time, and what keeps a hostile kernel going: see pv_fuzz.hpp.
#include "hv/abi/xen_event_channel.hpp"
#include "hv/abi/xen_sched.hpp"
#include "hv/abi/xen_vcpu.hpp"
#include "tests/guest/pv/pv_fuzz.hpp"

#include <atomic>

extern "C" const uint8_t pv_fuzz_stop[];
asm(".pushsection .text\n"
    ".globl pv_fuzz_stop\n"
    "pv_fuzz_stop: ud2\n"
    ".popsection\n");

namespace fuzz {

namespace {

using namespace pv;
using hv::abi::Hypercall;

constexpr uint64_t ms = 1'000'000;
constexpr uint64_t tick_ns = 50 * ms;
constexpr uint64_t patience_ns = 300 * ms;        // before the other vCPU is wakened
constexpr uint64_t last_patience_ns = 6000 * ms;  // before the domain is given up

struct Clock {
    uint64_t tsc = 0;
    uint64_t ns = 0;
    uint64_t mul = 0;
    int shift = 0;
};
constinit Clock clock{};

struct Watched {
    const Fuzzer* fuzzer = nullptr;
    uint64_t operations_at_tick = 0;
    std::atomic<uint64_t> last_seen_ns{0};
};
constinit std::array<Watched, 2> watched{};

void arm_tick() {
    hypercall(Hypercall::set_timer_op, now_ns() + tick_ns);
}

// An operation that was there at the last tick, too, is made to fault. By its stack rt knows which
// vCPU this is.
void on_event(Trap& trap) {
    const unsigned vcpu = this_vcpu();
    std::atomic_ref{shared_info().evtchn_pending[0]}.exchange(0);
    clear_event_words(vcpu);
    Watched& self = watched[vcpu];
    if (self.fuzzer->is_stoppable && self.fuzzer->operations == self.operations_at_tick) {
        restore_entries(*self.fuzzer);  // what it did to them may be why it does not end
        trap.rip = trap.is_from_user() ? 0 : to_argument(pv_fuzz_stop);
        trap.rsp = stack_top(vcpu) - PV_STACK / 2;
    }
    self.operations_at_tick = self.fuzzer->operations;
    arm_tick();
}

}  // namespace

void start_clock() {
    const volatile hv::abi::VcpuTimeInfo& time = vcpu_info().time;
    clock = {.tsc = __builtin_ia32_rdtsc(),
             .ns = system_time_ns(),
             .mul = time.tsc_to_system_mul,
             .shift = time.tsc_shift};
}

uint64_t now_ns() {
    const uint64_t delta = __builtin_ia32_rdtsc() - clock.tsc;
    const uint64_t shifted = clock.shift < 0 ? delta >> -clock.shift : delta << clock.shift;
    return clock.ns + static_cast<uint64_t>((__uint128_t{shifted} * clock.mul) >> 32);
}

void start_tick(Fuzzer& f) {
    hv::abi::EvtchnBindVirq virq{static_cast<uint32_t>(hv::abi::Virq::VIRQ_TIMER), f.vcpu, 0};
    hypercall(Hypercall::event_channel_op, hv::abi::EventChannelOp::EVTCHNOP_bind_virq, &virq);
    watched[f.vcpu].fuzzer = &f;
    set_event_handler(on_event);
    watched[f.vcpu].last_seen_ns = now_ns();
    renew_tick(f);
}

void renew_tick(const Fuzzer& f) {
    arm_tick();
    std::atomic_ref{shared_info().evtchn_mask[0]}.store(0);
    clear_event_words(f.vcpu);
    vcpu_info(f.vcpu).evtchn_upcall_mask = 0;
}

void look_at_other(Fuzzer& f) {
    using Op = hv::abi::VcpuOp;
    const uint64_t now = now_ns();
    watched[f.vcpu].last_seen_ns = now;
    const unsigned other = 1 - f.vcpu;
    const uint64_t seen = watched[other].last_seen_ns;
    if (seen == 0 || now < seen + patience_ns) {
        return;
    }
    arm_tick();
    hypercall(Hypercall::vcpu_op, Op::VCPUOP_up, other);
    hypercall(Hypercall::vcpu_op, Op::VCPUOP_send_nmi, other);
    if (now > seen + last_patience_ns) {
        const hv::abi::SchedShutdown why{
            static_cast<uint32_t>(hv::abi::ShutdownReason::SHUTDOWN_watchdog)};
        hypercall(Hypercall::sched_op, hv::abi::SchedOp::SCHEDOP_shutdown, &why);
    }
}

}  // namespace fuzz
