// SPDX-License-Identifier: Apache-2.0
// Hypercalls: any number, any arguments, one or many, by the hypercall page, by SYSCALL and by
// VMMCALL, as the stub would make it.
#include "hv/abi/xen_hypercall.hpp"
#include "hv/abi/xen_sched.hpp"
#include "tests/guest/pv/pv_fuzz.hpp"

namespace fuzz {

namespace {

using namespace pv;
using hv::abi::Hypercall;

constexpr uint64_t most_in_a_list = 20;
// What the stub asks the hypervisor by VMMCALL: 0 and 1 come back, 2 and 3 end the domain.
constexpr uint64_t first_stub_op = 0xffffff00;

int64_t vmmcall(uint64_t number, const uint64_t (&args)[5]) {
    uint64_t result = number;
    uint64_t a1 = args[0], a2 = args[1], a3 = args[2];
    register uint64_t r10 asm("r10") = args[3];
    register uint64_t r8 asm("r8") = args[4];
    // SAFETY: whatever the hypervisor makes of it.
    asm volatile("vmmcall"
                 : "+a"(result), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10), "+r"(r8)
                 :
                 : "rcx", "r11", "memory");
    return static_cast<int64_t>(result);
}

bool is_deadly(const Prepared& call) {
    constexpr auto shutdown = static_cast<uint64_t>(hv::abi::SchedOp::SCHEDOP_shutdown);
    const auto number = static_cast<Hypercall>(call.number);
    constexpr uint64_t long_text = 512;
    if (number == Hypercall::console_io && static_cast<uint32_t>(call.args[1]) > long_text) {
        return true;  // of the report
    }
    return (number == Hypercall::sched_op && call.args[0] == shutdown) ||
           number == Hypercall::iret || number == Hypercall::set_callbacks ||
           number == Hypercall::stack_switch || call.number - (first_stub_op + 2) < 2 ||
           (number == Hypercall::set_trap_table && call.args[0] == 0);
}

void fill_at_random(Fuzzer& f, Prepared& call) {
    for (uint64_t& argument : call.args) {
        argument = f.random.one_in(2) ? f.random.number() : pointer(f);
    }
}

Prepared one_of_all(Fuzzer& f) {
    Random& r = f.random;
    Prepared call;
    constexpr Hypercall richest[] = {Hypercall::mmu_update,       Hypercall::memory_op,
                                     Hypercall::grant_table_op,   Hypercall::vcpu_op,
                                     Hypercall::mmuext_op,        Hypercall::sched_op,
                                     Hypercall::event_channel_op, Hypercall::update_va_mapping};
    call.number = r.one_in(2) ? r.below(56) : static_cast<uint64_t>(r.of(richest));
    if (r.one_in(8)) {
        call.number = r.one_in(2) ? r.number() : first_stub_op + r.below(6);
    }
    if (r.one_in(5) || (!shape_of_memory(f, call) && !shape(f, call))) {
        fill_at_random(f, call);
    }
    return call;
}

// Lists of calls, themselves not always where they should be.
Prepared list_of_calls(Fuzzer& f) {
    const uint64_t count = 1 + f.random.below(most_in_a_list);
    const uint64_t list = fresh_arguments(f, count * sizeof(hv::abi::MulticallEntry));
    for (uint64_t n = 0; n < count; ++n) {
        const Prepared inner = any_call(f);
        hv::abi::MulticallEntry out{.op = inner.number, .result = f.random.next(), .args = {}};
        __builtin_memcpy(out.args, inner.args, sizeof(inner.args));
        // SAFETY: within what was just allocated; the arena may have begun anew, and is the
        // caller's.
        __builtin_memcpy(reinterpret_cast<void*>(list + n * sizeof(out)), &out, sizeof(out));
    }
    const List out = perhaps_overlong(f, {list, count}, count * sizeof(hv::abi::MulticallEntry));
    return {.number = static_cast<uint64_t>(Hypercall::multicall), .args = {out.at, out.count}};
}

}  // namespace

Prepared any_call(Fuzzer& f) {
    for (;;) {
        const Prepared call = one_of_all(f);
        if (!is_deadly(call) || f.dares()) {
            return call;
        }
    }
}

void one_call(Fuzzer& f) {
    Random& r = f.random;
    const Prepared call = r.one_in(6) ? list_of_calls(f) : any_call(f);
    if (r.one_in(4)) {
        vmmcall(call.number, call.args);
    } else {
        pv_uses_syscall = r.one_in(2);
        if (pv_uses_syscall || call.number < 128) {
            hypercall_raw(call.number, call.args[0], call.args[1], call.args[2], call.args[3]);
        }
    }
    // Memory that is all zero is a list of calls that leave the kernel without handlers.
    constexpr uint64_t multicall = static_cast<uint64_t>(Hypercall::multicall);
    if ((call.number == multicall || call.number == 0) && !f.dares()) {
        restore_entries(f);
    }
}

}  // namespace fuzz
