// SPDX-License-Identifier: Apache-2.0
// Event channels of a PV kernel with two vCPUs: the upcall mask, what is pending while it is set,
// block and poll, IPIs both ways, the timer, NMI, and vcpu_op with every error.
#include "hv/abi/xen_event_channel.hpp"
#include "hv/abi/xen_pv.hpp"
#include "hv/abi/xen_sched.hpp"
#include "hv/abi/xen_vcpu.hpp"
#include "tests/guest/pv/rt/kernel.hpp"
#include "tests/guest/pv/rt/pages.hpp"
#include "tests/guest/pv/rt/pointers.hpp"
#include "tests/guest/pv/rt/second.hpp"
#include "tests/guest/pv/rt/user.hpp"
#include "tests/guest/pv/rt/waiting.hpp"

#include <atomic>

USER_PROGRAM(user_spin);

namespace {

using namespace pv;
using hv::abi::Errno;
using hv::abi::EventChannelOp;
using hv::abi::SchedOp;
using hv::abi::VcpuOp;

constexpr uint64_t ms = 1'000'000;

volatile uint8_t& mask(unsigned vcpu = 0) {
    return vcpu_info(vcpu).evtchn_upcall_mask;
}

void unmask_port(uint32_t port) {
    std::atomic_ref{shared_info().evtchn_mask[port / 64]}.fetch_and(~(1ULL << port % 64));
}
bool take_pending(uint32_t port) {
    const uint64_t bit = 1ULL << port % 64;
    return (std::atomic_ref{shared_info().evtchn_pending[port / 64]}.fetch_and(~bit) & bit) != 0;
}

// What was taken while masked announces nothing any more.
void forget_upcall() {
    vcpu_info().evtchn_upcall_pending = 0;
    std::atomic_ref{vcpu_info().evtchn_pending_sel}.store(0);
}

uint32_t own_port = 0;
uint32_t timer_port = 0;

void start() {
    for (uint64_t& word : shared_info().evtchn_mask) {
        word = ~uint64_t{0};
    }
    own_port = bind_ipi(0);
    unmask_port(own_port);
    hv::abi::EvtchnBindVirq virq{static_cast<uint32_t>(hv::abi::Virq::VIRQ_TIMER), 0, 0};
    check_result(hypercall(Hypercall::event_channel_op, EventChannelOp::EVTCHNOP_bind_virq, &virq),
                 0, "bind_virq");
    timer_port = virq.port;
    unmask_port(timer_port);
}

// Whoever looks at the mask sees what the frame will say.
uint64_t event_cs = 0;
uint64_t event_rflags = 0;
uint8_t event_mask = 0;

void masked_events() {
    set_event_handler([](Trap& trap) {
        event_cs = trap.cs;
        event_rflags = trap.rflags;
        event_mask = mask(this_vcpu());
    });
    const uint32_t before = counts(0).events;
    mask() = 1;
    send(own_port);
    check_equal(counts(0).events, before, "no event while masked");
    check_equal(vcpu_info().evtchn_upcall_pending, 1, "but it is pending");
    mask() = 0;
    hypercall(Hypercall::sched_op, SchedOp::SCHEDOP_yield);
    check(wait_for([&] { return counts(0).events == before + 1; }), "it comes after unmasking");
    check_equal(event_cs & 0xffff, 0xe030, "its frame: cs");
    check_equal(event_cs >> 32, 0, "its frame: it was not masked");
    check_equal(event_rflags & 0x200, 0x200, "its frame: IF");
    check_equal(event_mask, 1, "the callback is masked");
    check_equal(mask(), 0, "and iret takes that back");
    check(take_pending(own_port), "the port is pending");
    mask() = 0;
    send(own_port);
    check(wait_for([&] { return counts(0).events == before + 2; }), "unmasked: at once");
    take_pending(own_port);
    mask() = 1;
}

// iret that unmasks delivers what is pending.
void pending_at_iret() {
    const uint32_t before = counts(0).events;
    mask() = 1;
    send(own_port);
    set_handler([](Trap& trap) {
        trap.rflags |= 0x200;
        return true;
    });
    asm volatile("int3" : : : "memory");
    set_handler(nullptr);
    const uint32_t after = counts(0).events;
    mask() = 1;
    check_equal(after, before + 1, "an event at iret");
    take_pending(own_port);
}

uint64_t hypercall_time(uint64_t delta) {
    const hv::abi::VcpuSetSingleshotTimer args{system_time_ns() + delta, 0};
    return static_cast<uint64_t>(
        hypercall(Hypercall::vcpu_op, VcpuOp::VCPUOP_set_singleshot_timer, 0, &args));
}

void timers() {
    mask() = 1;
    take_pending(timer_port);
    forget_upcall();
    const uint32_t before = counts(0).events;
    const uint64_t start = system_time_ns();
    check_equal(hypercall_time(20 * ms), 0, "set_singleshot_timer");
    check_result(hypercall(Hypercall::sched_op, SchedOp::SCHEDOP_block), 0, "block");
    check(wait_for([&] { return counts(0).events != before; }),
          "block unmasks, the timer wakes it");
    check(system_time_ns() - start >= 20 * ms, "and not too early");
    check(take_pending(timer_port), "the timer's port");
    mask() = 1;

    hv::abi::VcpuSetSingleshotTimer late{1, hv::abi::VCPU_SSHOTTMR_future};
    check_error(hypercall(Hypercall::vcpu_op, VcpuOp::VCPUOP_set_singleshot_timer, 0, &late),
                Errno::XEN_ETIME, "a timer of the past");
    check_result(hypercall(Hypercall::vcpu_op, VcpuOp::VCPUOP_stop_singleshot_timer, 0), 0, "stop");
    check_result(hypercall(Hypercall::vcpu_op, VcpuOp::VCPUOP_stop_periodic_timer, 0), 0, "stop");
    check_result(hypercall(Hypercall::set_timer_op, system_time_ns() + 5 * ms), 0, "set_timer_op");
    check(wait_for([&] { return take_pending(timer_port); }), "set_timer_op fires");
    forget_upcall();
}

void polls() {
    mask() = 1;
    const auto poll = [](const uint32_t* ports, uint32_t count, uint64_t timeout) {
        const hv::abi::SchedPoll args{
            .ports = to_argument(ports), .nr_ports = count, .timeout = timeout};
        return hypercall(Hypercall::sched_op, SchedOp::SCHEDOP_poll, &args);
    };
    send(own_port);
    check_result(poll(&own_port, 1, 0), 0, "poll of a pending port");
    take_pending(own_port);
    forget_upcall();
    const uint64_t start = system_time_ns();
    check_result(poll(&own_port, 1, start + 10 * ms), 0, "poll with a time limit");
    check(system_time_ns() >= start + 10 * ms, "it waits");
    const uint32_t bad = 4096;
    check_error(poll(&bad, 1, 0), Errno::XEN_EINVAL, "poll of no port");
    check_error(poll(&own_port, 129, 0), Errno::XEN_EINVAL, "poll of too many");
    check_error(hypercall(Hypercall::sched_op, SchedOp::SCHEDOP_poll, uint64_t{not_mapped}),
                Errno::XEN_EFAULT, "poll: no argument");
}

// User mode is interrupted, and its mask does not count.
void events_of_user() {
    static uint32_t seen = 0;
    seen = 0;
    set_event_handler([](Trap& trap) {
        ++seen;
        event_cs = trap.cs;
        word(user_data_virt) = 1;
    });
    mask() = 1;
    UserState state = user_state(user_spin);
    state.rdi = user_data_virt;
    hypercall_time(10 * ms);
    const Seen back = run_user(state);
    mask() = 1;
    set_event_handler(nullptr);
    check_equal(seen, 1, "user mode gets interrupted");
    check_equal(event_cs & 0xffff, 0xe033, "cs of user mode");
    check_equal(back.trap.number, PV_ENTRY_SYSCALL, "and goes on");
    take_pending(timer_port);
    word(user_data_virt) = 0;
}

void own_nmi() {
    const uint32_t before = counts(0).nmis;
    check_result(hypercall(Hypercall::vcpu_op, VcpuOp::VCPUOP_send_nmi, 0), 0, "send_nmi");
    check(wait_for([&] { return counts(0).nmis == before + 1; }), "an NMI, though masked");
}

// --- The second vCPU.

std::atomic<uint32_t> second_ready{0};
std::atomic<uint32_t> second_vcpu{99};
std::atomic<uint64_t> to_write{0};
uint32_t to_second = 0;

void second_program() {
    second_vcpu = this_vcpu();
    mask(1) = 0;
    second_ready = 1;
    for (;;) {
        // Masked from the look to the block, which unmasks: nothing is lost in between.
        mask(1) = 1;
        if (!take_pending(to_second)) {
            hypercall(Hypercall::sched_op, SchedOp::SCHEDOP_block);
        } else {
            if (const uint64_t at = to_write.exchange(0); at != 0) {
                second_ready =
                    attempt([](void* p) { word(to_argument(p)) = 5; }, reinterpret_cast<void*>(at))
                            .happened
                        ? 0xdead
                        : 2;
            }
            send(own_port);
        }
    }
}

void bad_vcpu_ops() {
    static hv::abi::VcpuGuestContext context{};
    const auto initialise = [](uint32_t vcpu) {
        return hypercall(Hypercall::vcpu_op, VcpuOp::VCPUOP_initialise, vcpu, &context);
    };
    check_error(hypercall(Hypercall::vcpu_op, VcpuOp::VCPUOP_up, 1), Errno::XEN_EINVAL,
                "up before initialise");
    check_result(hypercall(Hypercall::vcpu_op, VcpuOp::VCPUOP_is_up, 1), 0, "is_up before");
    check_result(hypercall(Hypercall::vcpu_op, VcpuOp::VCPUOP_is_up, 0), 1, "is_up of vCPU 0");
    check_error(hypercall(Hypercall::vcpu_op, VcpuOp::VCPUOP_is_up, 2), Errno::XEN_ENOENT, "id 2");
    check_error(hypercall(Hypercall::vcpu_op, VcpuOp::VCPUOP_up, ~0U), Errno::XEN_ENOENT, "id ~0");
    check_error(hypercall(Hypercall::vcpu_op, 99, 0), Errno::XEN_ENOSYS, "no such operation");
    check_error(hypercall(Hypercall::vcpu_op, VcpuOp::VCPUOP_initialise, 1, uint64_t{not_mapped}),
                Errno::XEN_EFAULT, "initialise: no context");
    context = second_context();
    check_error(initialise(0), Errno::XEN_EEXIST, "initialise vCPU 0");
    context.ctrlreg[3] = uint64_t{0x90000} << 12;
    check_error(initialise(1), Errno::XEN_EINVAL, "a page table of nobody");
    context.ctrlreg[3] = ~uint64_t{0};
    check_error(initialise(1), Errno::XEN_EINVAL, "a page table at ~0");
    context = second_context();
    context.ctrlreg[1] = uint64_t{0x90000} << 12;
    check_error(initialise(1), Errno::XEN_EINVAL, "a user page table of nobody");
    context = second_context();
    context.gdt_ents = 8000;
    check_error(initialise(1), Errno::XEN_EINVAL, "a GDT that is too long");
    context.gdt_ents = 512;
    context.gdt_frames[0] = 0x90000;
    check_error(initialise(1), Errno::XEN_EINVAL, "a GDT of nobody");
    context = second_context();
    context.user_regs.rip = 0x8000000000000000;
    check_error(initialise(1), Errno::XEN_EINVAL, "a non-canonical rip");
    context = second_context();
    context.trap_ctxt[5].address = 0x8000000000000000;
    check_error(initialise(1), Errno::XEN_EINVAL, "a non-canonical handler");
    context = second_context();
    context.event_callback_eip = 0x8000000000000000;
    check_error(initialise(1), Errno::XEN_EINVAL, "a non-canonical callback");
    context = second_context();
    context.fs_base = 0x8000000000000000;
    check_error(initialise(1), Errno::XEN_EINVAL, "a non-canonical base");
}

void second_vcpu_runs() {
    to_second = bind_ipi(1);
    unmask_port(to_second);
    start_second(second_program);
    check(wait_for([] { return second_ready == 1; }), "the second vCPU runs");
    check_equal(second_vcpu, 1, "on its own stack");
    check_result(hypercall(Hypercall::vcpu_op, VcpuOp::VCPUOP_is_up, 1), 1, "it is up");
    for (unsigned i = 0; i < 20; ++i) {
        send(to_second);
        if (!wait_for([] { return take_pending(own_port); })) {
            fail("no answer to an IPI", i);
        }
    }
    check(counts(1).events >= 1, "the second vCPU's events");
    const uint32_t nmis = counts(1).nmis;
    check_result(hypercall(Hypercall::vcpu_op, VcpuOp::VCPUOP_send_nmi, 1), 0, "NMI to another");
    check(wait_for([&] { return counts(1).nmis == nmis + 1; }), "it gets there");
}

// A page that one vCPU takes away is gone for the other as soon as the flush has returned.
void flushes_reach_the_other() {
    const uint64_t page = take_page();
    const auto ask = [&] {
        second_ready = 1;
        to_write = window;
        send(to_second);
        wait_for([] { return second_ready != 1; });
        take_pending(own_port);
        return second_ready.load();
    };
    static uint64_t bitmap = 2;
    for (unsigned way = 0; way < 4; ++way) {
        map_page(window, mfn_of(page) * page_bytes | pte::kernel);
        check_equal(ask(), 2, "the other vCPU writes");
        if (way == 0) {
            update_va_mapping(window, 0, hv::abi::UVMF_INVLPG | hv::abi::UVMF_ALL);
        } else if (way == 1) {
            update_va_mapping(window, 0, hv::abi::UVMF_TLB_FLUSH | to_argument(&bitmap));
        } else {
            set_entry(entry_machine(window), 0);
            const bool all = way == 2;
            mmuext(all ? 10 : 9, window, all ? 0 : to_argument(&bitmap));
        }
        check_equal(ask(), 0xdead, "after the flush it faults");
    }
}

void down() {
    check_result(hypercall(Hypercall::vcpu_op, VcpuOp::VCPUOP_down, 1), 0, "down");
    check_result(hypercall(Hypercall::vcpu_op, VcpuOp::VCPUOP_is_up, 1), 0, "it is down");
    static hv::abi::VcpuGuestContext context{};
    context = second_context();
    check_error(hypercall(Hypercall::vcpu_op, VcpuOp::VCPUOP_initialise, 1, &context),
                Errno::XEN_EEXIST, "initialise again");
    check_result(hypercall(Hypercall::vcpu_op, VcpuOp::VCPUOP_up, 1), 0, "up again");
    send(to_second);
    check(wait_for([] { return take_pending(own_port); }), "it goes on");
}

}  // namespace

void pv::run() {
    start_user();
    start();
    for (const bool by_syscall : {false, true}) {
        pv_uses_syscall = by_syscall;
        masked_events();
        pending_at_iret();
        timers();
        polls();
        events_of_user();
        own_nmi();
    }
    bad_vcpu_ops();
    second_vcpu_runs();
    flushes_reach_the_other();
    down();
}
