// SPDX-License-Identifier: Apache-2.0
// A PV kernel with two vCPUs that changes to the FIFO event ABI: what came before the change, order
// and priorities, the timer, poll, IPIs both ways, ports that move; every error; and words that
// make no sense, after which it must work as before.
#include "hv/abi/pv_layout.hpp"
#include "hv/abi/xen_sched.hpp"
#include "tests/guest/pv/rt/fifo.hpp"
#include "tests/guest/pv/rt/kernel.hpp"
#include "tests/guest/pv/rt/pages.hpp"
#include "tests/guest/pv/rt/pointers.hpp"
#include "tests/guest/pv/rt/second.hpp"
#include "tests/guest/pv/rt/traps.hpp"
#include "tests/guest/pv/rt/waiting.hpp"

namespace {

using namespace pv;
using hv::abi::Errno;
using hv::abi::EventChannelOp;
using hv::abi::SchedOp;

constexpr uint64_t ms = 1'000'000;
constexpr uint32_t lowest = hv::abi::EVTCHN_FIFO_PRIORITY_MIN;

template <class T>
int64_t port_op(EventChannelOp op, T args) {
    return hypercall(Hypercall::event_channel_op, op, args);
}
int64_t unmask(uint32_t port) {
    const hv::abi::EvtchnUnmask args{port};
    return port_op(EventChannelOp::EVTCHNOP_unmask, &args);
}
int64_t close(uint32_t port) {
    const hv::abi::EvtchnClose args{port};
    return port_op(EventChannelOp::EVTCHNOP_close, &args);
}

// The ports whose events vCPU 0 has taken, as digits of a number in base 100.
std::atomic<uint64_t> taken{0};
std::atomic<uint32_t> taken_by_second{0};
uint32_t back_port = 0;  // to vCPU 0

void on_event(Trap& /*trap*/) {
    if (this_vcpu() == 0) {
        fifo::take(0, [](uint32_t port) {
            if (port != start_info().console.domU.evtchn) {
                taken = taken * 100 + port;
            }
        });
    } else {
        fifo::take(1, [](uint32_t port) {
            taken_by_second = port;
            send(back_port);
        });
    }
}

// What vCPU 0 takes because of these.
template <class Work>
uint64_t events_of(Work work) {
    vcpu_info().evtchn_upcall_mask = 1;
    taken = 0;
    work();
    vcpu_info().evtchn_upcall_mask = 0;
    wait_for([] { return vcpu_info().evtchn_upcall_pending == 0; });
    vcpu_info().evtchn_upcall_mask = 1;
    return taken;
}

void before_the_change(uint32_t port) {
    check_error(fifo::expand_array(fifo::words_mfn()), Errno::XEN_EOPNOTSUPP, "no array yet");
    check_error(fifo::set_priority(port, 1), Errno::XEN_ENOSYS, "no priorities yet");
    const auto refused = [](uint64_t mfn, uint32_t offset, uint32_t vcpu) {
        return fifo::init_control(mfn, offset, vcpu);
    };
    const uint64_t own = fifo::controls_mfn();
    check_error(refused(own, 0, 2), Errno::XEN_ENOENT, "no such vCPU");
    check_error(refused(own, 0, ~0U), Errno::XEN_ENOENT, "no such vCPU");
    for (const uint32_t offset : {4U, 4096U - 64, 4096U, ~7U}) {
        check_error(refused(own, offset, 0), Errno::XEN_EINVAL, "no place for a control block");
    }
    for (const uint64_t mfn : {uint64_t{0x90000}, hv::abi::pv_m2p_gfn, hv::abi::pv_area_gfn,
                               ~uint64_t{0}, uint64_t{1} << 52}) {
        check_error(refused(mfn, 0, 0), Errno::XEN_EINVAL, "not a frame of its own");
    }
    for (const EventChannelOp op :
         {EventChannelOp::EVTCHNOP_init_control, EventChannelOp::EVTCHNOP_expand_array,
          EventChannelOp::EVTCHNOP_set_priority}) {
        for (const uint64_t bad : unreadable) {
            check_error(port_op(op, bad), Errno::XEN_EFAULT, "no argument");
        }
    }
}

void after_the_change(uint32_t port) {
    check_error(fifo::init_control(fifo::controls_mfn(), 128, 0), Errno::XEN_EINVAL, "once more");
    check_error(fifo::expand_array(hv::abi::pv_m2p_gfn), Errno::XEN_EINVAL, "the hypervisor's");
    check_error(fifo::expand_array(0x90000), Errno::XEN_EINVAL, "nobody's");
    check_error(fifo::set_priority(port, lowest + 1), Errno::XEN_EINVAL, "no such priority");
    for (const uint32_t bad : {0U, 1023U, 1024U, 131071U, ~0U}) {
        check_error(fifo::set_priority(bad, 1), Errno::XEN_EINVAL, "no such port");
    }
}

struct Three {
    uint32_t a, b, c;
    [[nodiscard]] uint64_t in_order() const { return (a * 100 + b) * 100 + c; }
};
void send_all(const Three& ports) {
    send(ports.a);
    send(ports.b);
    send(ports.c);
}

void order_and_priorities(const Three& p) {
    check_equal(events_of([&] { send_all(p); }), p.in_order(), "in their order");
    check_result(fifo::set_priority(p.a, lowest), 0, "set_priority");
    check_result(fifo::set_priority(p.c, 0), 0, "set_priority");
    check_equal(events_of([&] { send_all(p); }), Three{p.c, p.b, p.a}.in_order(), "by priority");
    for (const uint32_t port : {p.a, p.c}) {
        fifo::set_priority(port, hv::abi::EVTCHN_FIFO_PRIORITY_DEFAULT);
    }
    check_equal(events_of([&] {
                    send(p.b);
                    send(p.b);
                }),
                p.b, "pending already");
}

void masks(const Three& p) {
    fifo::word(p.b).fetch_or(fifo::MASKED);
    check_equal(events_of([&] { send_all(p); }), p.a * 100 + p.c, "one is masked");
    check_equal(events_of([&] { check_result(unmask(p.b), 0, "unmask"); }), p.b, "unmasked");
    check_equal(events_of([&] { check_result(unmask(p.b), 0, "unmask"); }), 0, "nothing pending");
}

// Closed while it is on a queue: nobody gets its number until it is off.
void closed_while_linked() {
    uint32_t port = bind_ipi(0);
    uint32_t other = 0;
    const uint64_t seen = events_of([&] {
        send(port);
        check_result(close(port), 0, "close");
        other = bind_ipi(0);
        check(other != port, "a port that is linked is not free");
    });
    check_equal(seen, 0, "no event of a closed port");
    const uint32_t again = bind_ipi(0);
    check_equal(again, port, "free once it is off the queue");
    close(again);
    close(other);
}

void timer_and_poll(uint32_t timer_port) {
    fifo::word(timer_port).fetch_or(fifo::MASKED);
    check_result(hypercall(Hypercall::set_timer_op, system_time_ns() + 10 * ms), 0, "set_timer_op");
    hv::abi::SchedPoll poll{};
    poll.ports = to_argument(&timer_port);
    poll.nr_ports = 1;
    poll.timeout = system_time_ns() + 3 * second_ns;
    check_result(hypercall(Hypercall::sched_op, SchedOp::SCHEDOP_poll, &poll), 0, "poll");
    check(wait_for([&] { return (fifo::word(timer_port).load() & fifo::PENDING) != 0; }),
          "the timer's event");
    check_equal(events_of([&] { unmask(timer_port); }), timer_port, "the timer's event");
}

void second_vcpu(uint32_t to_second) {
    vcpu_info().evtchn_upcall_mask = 0;
    taken = 0;
    start_second([] {
        vcpu_info(1).evtchn_upcall_mask = 0;
        for (;;) {
            hypercall(Hypercall::sched_op, SchedOp::SCHEDOP_block);
        }
    });
    check(wait_for([] { return taken == back_port; }), "an answer to what came before it was up");
    for (unsigned n = 0; n < 20; ++n) {
        taken = 0;
        send(to_second);
        if (!wait_for([] { return taken == back_port; })) {
            fail("no answer to an IPI", n);
        }
    }
    // A port of its own that moves to the second vCPU.
    hv::abi::EvtchnAllocUnbound unbound{hv::abi::DOMID_SELF, hv::abi::DOMID_SELF, 0};
    check_result(port_op(EventChannelOp::EVTCHNOP_alloc_unbound, &unbound), 0, "alloc_unbound");
    hv::abi::EvtchnBindInterdomain pair{};
    pair.remote_dom = hv::abi::DOMID_SELF;
    pair.remote_port = unbound.port;
    check_result(port_op(EventChannelOp::EVTCHNOP_bind_interdomain, &pair), 0, "bind_interdomain");
    for (const uint32_t vcpu : {1U, 0U, 1U}) {
        const hv::abi::EvtchnBindVcpu move{unbound.port, vcpu};
        check_result(port_op(EventChannelOp::EVTCHNOP_bind_vcpu, &move), 0, "bind_vcpu");
        taken = 0;
        taken_by_second = 0;
        send(pair.local_port);
        check(wait_for([&] {
                  return vcpu == 1 ? taken_by_second == unbound.port : taken == unbound.port;
              }),
              "it comes where it is bound");
        wait_for([&] { return vcpu == 0 || taken == back_port; });
    }
    close(pair.local_port);
    close(unbound.port);
}

// Words and heads that lead nowhere, in circles, or say that hv is at work.
void hostile_words(const Three& p) {
    vcpu_info().evtchn_upcall_mask = 1;
    constexpr uint32_t beyond = hv::abi::EVTCHN_FIFO_LINK_MASK;
    const uint32_t contents[] = {
        fifo::PENDING | fifo::LINKED | beyond,
        fifo::PENDING | fifo::LINKED | p.b,
        fifo::LINKED | fifo::BUSY,
        fifo::BUSY,
        ~0U,
        ~fifo::MASKED,
        ~(fifo::MASKED | fifo::LINKED),
        p.a,
    };
    for (const uint32_t content : contents) {
        for (const uint32_t victim : {p.a, p.b, p.c}) {
            fifo::clear_words();
            send_all(p);
            fifo::word(victim).store(content);
            send_all(p);
            for (uint32_t n = 0; n < hv::abi::EVTCHN_FIFO_MAX_QUEUES; ++n) {
                fifo::control(0).head[n] = content;
            }
            send_all(p);
            unmask(victim);
            close(bind_ipi(0));
        }
    }
    fifo::clear_words();
    fifo::control(0) = {};
    check_equal(events_of([&] { send_all(p); }), p.in_order(), "afterwards as before");
}

// Ports whose words are linked forever are not free; the rest of the machine has its own.
void no_free_port() {
    for (uint32_t port = 0; port < fifo::word_count; ++port) {
        fifo::word(port).fetch_or(fifo::LINKED);
    }
    hv::abi::EvtchnBindIpi args{0, 0};
    check_error(port_op(EventChannelOp::EVTCHNOP_bind_ipi, &args), Errno::XEN_ENOSPC, "none free");
    fifo::clear_words();
    fifo::control(0) = {};
}

}  // namespace

void pv::run() {
    vcpu_info().evtchn_upcall_mask = 1;
    const Three ports{bind_ipi(0), bind_ipi(0), bind_ipi(0)};
    const uint32_t to_second = bind_ipi(1);
    back_port = bind_ipi(0);
    hv::abi::EvtchnBindVirq virq{static_cast<uint32_t>(hv::abi::Virq::VIRQ_TIMER), 0, 0};
    check_result(port_op(EventChannelOp::EVTCHNOP_bind_virq, &virq), 0, "bind_virq");

    before_the_change(ports.a);
    set_event_handler(on_event);
    check_equal(events_of([&] {
                    send(ports.b);
                    send(to_second);
                    fifo::start();
                }),
                ports.b, "an event from before the change");
    after_the_change(ports.a);
    order_and_priorities(ports);
    masks(ports);
    closed_while_linked();
    timer_and_poll(virq.port);
    second_vcpu(to_second);
    hostile_words(ports);
    no_free_port();
    check_equal(events_of([&] { send_all(ports); }), ports.in_order(), "at the end");
}
