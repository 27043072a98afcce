// SPDX-License-Identifier: Apache-2.0
#include "tests/guest/pv/rt/traps.hpp"

#include "hv/abi/xen_pv.hpp"
#include "tests/guest/pv/rt/layout.hpp"

#include <array>
#include <atomic>
#include <utility>

extern "C" {
extern uint8_t pv_stacks[PV_VCPUS * PV_STACKS_OF_VCPU];
bool pv_try(void (*function)(void*), void* argument, uint64_t* recovery);
void pv_enter_user(const pv::UserState* state, uint64_t* kernel_rsp);
[[noreturn]] void pv_leave_user(uint64_t kernel_rsp);
void pv_on_trap(pv::Trap* trap);
}

namespace pv {

namespace {

struct PerVcpu {
    uint64_t recovery = 0;    // rsp of an attempt, or 0
    uint64_t kernel_rsp = 0;  // of run_user, or 0
    Seen seen;
    volatile Counts counts{};
};
constinit std::array<PerVcpu, PV_VCPUS> per_vcpu{};
constinit Handler handler = nullptr;
using EventHandler = void (*)(Trap&);
constinit EventHandler event_handler = nullptr;

uint64_t address_of(const uint8_t* symbol) {
    return reinterpret_cast<uint64_t>(symbol);
}

void take_event(PerVcpu& self, Trap& trap, unsigned vcpu) {
    vcpu_info(vcpu).evtchn_upcall_pending = 0;
    std::atomic_ref{vcpu_info(vcpu).evtchn_pending_sel}.exchange(0);
    self.counts.events = self.counts.events + 1;
    if (event_handler != nullptr) {
        event_handler(trap);
    }
}

[[noreturn]] void fail_with(const Trap& trap) {
    hv::TextOf<250> text;
    text.put("unexpected trap ").hex(trap.number).put(" error ").hex(trap.error);
    text.put(" cs ").hex(trap.cs).put(" rsp ").hex(trap.rsp).put(" cr2 ");
    text.hex(vcpu_info(this_vcpu()).arch.cr2).put(" at");
    fail(text.view(), trap.rip);
}

}  // namespace

unsigned this_vcpu() {
    const auto here = reinterpret_cast<uint64_t>(__builtin_frame_address(0));
    return static_cast<unsigned>((here - address_of(pv_stacks)) / PV_STACKS_OF_VCPU);
}
uint64_t stack_top(unsigned vcpu) {
    return address_of(pv_stacks) + vcpu * PV_STACKS_OF_VCPU + PV_STACK;
}
uint64_t trap_stack_top(unsigned vcpu) {
    return stack_top(vcpu) + PV_STACK;
}
volatile Counts& counts(unsigned vcpu) {
    return per_vcpu[vcpu].counts;
}
void set_handler(Handler to) {
    handler = to;
}
void set_event_handler(EventHandler to) {
    event_handler = to;
}

Seen attempt(void (*function)(void*), void* argument) {
    PerVcpu& self = per_vcpu[this_vcpu()];
    self.seen = {};
    pv_try(function, argument, &self.recovery);
    return self.seen;
}

const Seen& run_user(const UserState& state) {
    PerVcpu& self = per_vcpu[this_vcpu()];
    self.seen = {};
    pv_enter_user(&state, &self.kernel_rsp);
    return self.seen;
}

uint64_t trap_entry(unsigned vector) {
    return address_of(pv_trap_entries) + vector * 32;
}

int64_t set_trap(uint8_t vector, uint8_t flags) {
    const hv::abi::TrapInfo list[] = {
        {.vector = vector, .flags = flags, .cs = 0xe033, .address = trap_entry(vector)}, {}};
    return hypercall(Hypercall::set_trap_table, list);
}

int64_t set_callback(uint16_t type, uint64_t address, uint16_t flags) {
    const hv::abi::CallbackRegister args{.type = type, .flags = flags, .address = address};
    return hypercall(Hypercall::callback_op, hv::abi::CallbackOp::CALLBACKOP_register, &args);
}

void start_traps() {
    static constinit std::array<hv::abi::TrapInfo, 257> list{};
    for (unsigned vector = 0; vector < 256; ++vector) {
        const bool is_for_users = vector == 3 || vector == 4 || vector == 0x80;
        list[vector] = {.vector = static_cast<uint8_t>(vector),
                        .flags = uint8_t{is_for_users ? uint8_t{3} : uint8_t{0}},
                        .cs = 0xe033,
                        .address = trap_entry(vector)};
    }
    using Type = hv::abi::CallbackType;
    const auto type = [](Type t) { return static_cast<uint16_t>(t); };
    const int64_t failed =
        hypercall(Hypercall::set_trap_table, list.data()) |
        set_callback(type(Type::CALLBACKTYPE_event), address_of(pv_event_entry), 0) |
        set_callback(type(Type::CALLBACKTYPE_failsafe), address_of(pv_failsafe_entry), 1) |
        set_callback(type(Type::CALLBACKTYPE_syscall), address_of(pv_syscall_entry), 1) |
        set_callback(type(Type::CALLBACKTYPE_syscall32), address_of(pv_syscall32_entry), 1) |
        set_callback(type(Type::CALLBACKTYPE_nmi), address_of(pv_nmi_entry), 0) |
        hypercall(Hypercall::stack_switch, 0xe02b, trap_stack_top(0));
    if (failed != 0) {
        fail("the start of traps", static_cast<uint64_t>(failed));
    }
}

}  // namespace pv

void pv_on_trap(pv::Trap* trap) {
    using namespace pv;
    const unsigned vcpu = this_vcpu();
    PerVcpu& self = per_vcpu[vcpu];
    if (trap->number == PV_ENTRY_EVENT) {
        take_event(self, *trap, vcpu);
        return;
    }
    if (trap->number == PV_ENTRY_NMI) {
        self.counts.nmis = self.counts.nmis + 1;
        return;
    }
    if (handler != nullptr && handler(*trap)) {
        return;
    }
    self.seen = {.happened = true,
                 .trap = *trap,
                 .cr2 = vcpu_info(vcpu).arch.cr2,
                 .mask = vcpu_info(vcpu).evtchn_upcall_mask};
    if (self.kernel_rsp != 0) {
        pv_leave_user(std::exchange(self.kernel_rsp, 0));
    }
    if (self.recovery == 0) {
        fail_with(*trap);
    }
    trap->rip = address_of(pv_try_caught);
    trap->rsp = self.recovery;
    trap->ss = 0xe02b;
    trap->cs = 0xe030;
    trap->rflags = (trap->rflags & 0x200) | 2;
}
