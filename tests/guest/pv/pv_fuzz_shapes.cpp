// SPDX-License-Identifier: Apache-2.0
// Hypercalls about processors, events and time, with arguments of the right form and wrong content.
#include "hv/abi/xen_console.hpp"
#include "hv/abi/xen_event_channel.hpp"
#include "hv/abi/xen_pv.hpp"
#include "hv/abi/xen_sched.hpp"
#include "hv/abi/xen_vcpu.hpp"
#include "tests/guest/pv/pv_fuzz.hpp"
#include "tests/guest/pv/rt/second.hpp"

namespace fuzz {

namespace {

using namespace pv;
using hv::abi::Hypercall;

constexpr uint64_t ms = 1'000'000;
constexpr uint64_t first_free_port = 8;  // those before are the console's and the timers'

uint64_t handler(Fuzzer& f) {
    return f.random.one_in(3) ? f.random.number() : pointer(f);
}

void traps(Fuzzer& f, Prepared& call) {
    const uint64_t count = 1 + f.random.below(20);
    auto* list = make_arguments<std::array<hv::abi::TrapInfo, 24>>(f);
    for (uint64_t n = 0; n < count; ++n) {
        // Garbage for the exceptions is the end, as soon as one comes.
        const auto vector =
            static_cast<uint8_t>(f.dares() ? f.random.next() : 32 + f.random.below(224));
        (*list)[n] = {.vector = vector,
                      .flags = static_cast<uint8_t>(f.random.next()),
                      .cs = static_cast<uint16_t>(f.random.next()),
                      .address = handler(f)};
    }
    call.args[0] = argument(f, to_argument(list));
}

void callbacks(Fuzzer& f, Prepared& call) {
    auto* args = make_arguments<hv::abi::CallbackRegister>(f);
    constexpr uint16_t harmless[] = {3, 5, 6, 7, 8, 0xffff};
    args->type = f.dares() ? static_cast<uint16_t>(f.random.below(8)) : f.random.of(harmless);
    args->flags = static_cast<uint16_t>(f.random.next());
    args->address = handler(f);
    call.args[0] = f.random.one_in(8) ? f.random.number() : f.random.below(2);
    call.args[1] = argument(f, to_argument(args));
}

void gdt(Fuzzer& f, Prepared& call) {
    auto* list = make_arguments<std::array<uint64_t, 16>>(f);
    for (uint64_t& number : *list) {
        number = frame(f, true);
    }
    call.args[0] = argument(f, to_argument(list));
    call.args[1] = f.random.one_in(4) ? f.random.number() : f.random.below(8192);
}

void descriptor(Fuzzer& f, Prepared& call) {
    Random& r = f.random;
    constexpr uint64_t gates[] = {
        0x0000ec00e0380000, 0x0000ee00e0380000, 0x0000ef00e0380000,  // call, interrupt, trap
        0x0000820000000067, 0x0000890000000067, 0x00008b0000000067,  // LDT, TSS
        0x00af9b000000ffff, 0x00cf93000000ffff, 0x00affb000000ffff,  // ring 0, ring 3
    };
    call.args[0] =
        frame(f, true) * page_bytes + (r.one_in(8) ? r.below(page_bytes) : r.below(512) * 8);
    call.args[1] = r.one_in(2) ? r.of(gates) : r.next();
}

void debug_register(Fuzzer& f, Prepared& call) {
    call.args[0] = f.random.below(10);
    call.args[1] = f.random.one_in(2) ? pointer(f) : f.random.number();
}

void scheduling(Fuzzer& f, Prepared& call) {
    Random& r = f.random;
    call.args[0] = r.below(9);
    if (call.args[0] == static_cast<uint64_t>(hv::abi::SchedOp::SCHEDOP_poll)) {
        auto* args = make_arguments<hv::abi::SchedPoll>(f);
        args->ports = argument(f, fresh_arguments(f, 64));
        args->nr_ports = static_cast<uint32_t>(r.one_in(4) ? r.number() : r.below(8));
        args->timeout = now_ns() + r.below(4 * ms);
        call.args[1] = argument(f, to_argument(args));
        return;
    }
    auto* args = make_arguments<hv::abi::SchedRemoteShutdown>(f);
    args->domain_id = domain(f);
    args->reason = static_cast<uint32_t>(r.below(8));
    call.args[1] = argument(f, to_argument(args));
}

// A context for VCPUOP_initialise: the second vCPU's, spoiled in places.
uint64_t context(Fuzzer& f) {
    static constinit std::array<hv::abi::VcpuGuestContext, 2> contexts{};
    hv::abi::VcpuGuestContext& made = contexts[f.vcpu];
    made = second_context();
    constexpr uint64_t words = sizeof(made) / 8;
    // SAFETY: a whole number of words.
    auto* raw = reinterpret_cast<uint64_t*>(&made);
    for (uint64_t n = f.random.below(12); n > 0; --n) {
        raw[f.random.below(words)] = f.random.number();
    }
    return to_argument(&made);
}

void vcpus(Fuzzer& f, Prepared& call) {
    using Op = hv::abi::VcpuOp;
    Random& r = f.random;
    call.args[0] = r.below(16);
    call.args[1] = r.one_in(8) ? r.number() : r.below(5);
    const auto op = static_cast<Op>(call.args[0]);
    const bool is_deadly = op == Op::VCPUOP_initialise || op == Op::VCPUOP_register_vcpu_info ||
                           (op == Op::VCPUOP_down && call.args[1] == f.vcpu);
    if (is_deadly && !f.dares()) {
        call.args[1] = 4 + r.below(60);
    }
    call.args[2] = argument(f, op == Op::VCPUOP_initialise ? context(f) : fresh_arguments(f, 64));
    if (op == Op::VCPUOP_register_vcpu_info || r.one_in(4)) {
        auto* args = make_arguments<hv::abi::VcpuRegisterVcpuInfo>(f);
        args->mfn = frame(f, true);
        args->offset = static_cast<uint32_t>(r.one_in(3) ? r.number() : r.below(64) * 64);
        call.args[2] = argument(f, to_argument(args));
    }
}

void events(Fuzzer& f, Prepared& call) {
    using Op = hv::abi::EventChannelOp;
    Random& r = f.random;
    call.args[0] = r.below(15);
    const auto op = static_cast<Op>(call.args[0]);
    uint64_t at = fresh_arguments(f, 24);
    // SAFETY: 24 bytes of the arena. Either a domain and a port, or a port and a vCPU.
    auto* args = reinterpret_cast<uint32_t*>(at);
    const auto port =
        static_cast<uint32_t>(r.one_in(8) ? r.number() : first_free_port + r.below(64));
    const bool begins_with_port = op != Op::EVTCHNOP_bind_interdomain &&
                                  op != Op::EVTCHNOP_alloc_unbound && op != Op::EVTCHNOP_reset &&
                                  op != Op::EVTCHNOP_status;
    args[0] = begins_with_port ? port : uint32_t{domain(f)} | uint32_t{domain(f)} << 16;
    args[1] = static_cast<uint32_t>(
        r.below(begins_with_port && op != Op::EVTCHNOP_set_priority ? 8 : 24));
    if (op == Op::EVTCHNOP_bind_virq || op == Op::EVTCHNOP_bind_ipi) {
        args[0] = static_cast<uint32_t>(r.below(32));
    }
    if (op == Op::EVTCHNOP_init_control || op == Op::EVTCHNOP_expand_array) {
        auto* control = make_arguments<hv::abi::EvtchnInitControl>(f);
        control->control_gfn = frame(f, true);
        control->offset = static_cast<uint32_t>(r.one_in(3) ? r.number() : r.below(512) * 8);
        control->vcpu = static_cast<uint32_t>(r.below(4));
        at = to_argument(control);
    }
    call.args[1] = argument(f, at);
    const bool ends_console = op == Op::EVTCHNOP_reset ||
                              (op == Op::EVTCHNOP_close && port < first_free_port) ||
                              (op == Op::EVTCHNOP_init_control && !uses_fifo());
    if (ends_console && !f.dares()) {
        call.args[0] = static_cast<uint64_t>(Op::EVTCHNOP_status);
    }
}

void console(Fuzzer& f, Prepared& call) {
    Random& r = f.random;
    call.args[0] = r.one_in(4) ? r.number() : 0;
    call.args[1] = r.one_in(4) ? r.number() << 32 | r.below(64) : r.below(64);
    call.args[2] = argument(f, fresh_arguments(f, 64));
}

// A command, and a pointer to something that may look like its argument.
void command(Fuzzer& f, Prepared& call) {
    const uint64_t at = fresh_arguments(f, 256);
    // SAFETY: within the arena.
    *reinterpret_cast<uint16_t*>(at) = domain(f);
    call.args[0] = f.random.one_in(4) ? f.random.number() : f.random.below(40);
    call.args[1] = argument(f, at);
}

void timer(Fuzzer& f, Prepared& call) {
    call.args[0] = f.random.one_in(4) ? f.random.number() : now_ns() + f.random.below(2 * ms);
}

}  // namespace

bool apply(std::span<const Shape> shapes, Fuzzer& f, Prepared& call) {
    for (const Shape& known : shapes) {
        if (static_cast<uint64_t>(known.number) == call.number) {
            known.prepare(f, call);
            return true;
        }
    }
    return false;
}

bool shape(Fuzzer& f, Prepared& call) {
    constexpr Shape shapes[] = {
        {Hypercall::set_trap_table, traps},
        {Hypercall::callback_op, callbacks},
        {Hypercall::set_gdt, gdt},
        {Hypercall::update_descriptor, descriptor},
        {Hypercall::set_debugreg, debug_register},
        {Hypercall::get_debugreg, debug_register},
        {Hypercall::sched_op, scheduling},
        {Hypercall::vcpu_op, vcpus},
        {Hypercall::event_channel_op, events},
        {Hypercall::console_io, console},
        {Hypercall::xen_version, command},
        {Hypercall::hvm_op, command},
        {Hypercall::physdev_op, command},
        {Hypercall::arch_7, command},
        {Hypercall::vm_assist, debug_register},
        {Hypercall::set_segment_base, debug_register},
        {Hypercall::set_timer_op, timer},
    };
    return apply(shapes, f, call);
}

}  // namespace fuzz
