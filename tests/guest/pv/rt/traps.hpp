// SPDX-License-Identifier: Apache-2.0
// Exceptions, system calls and events of a PV test kernel, and its user mode.
#pragma once

#include "tests/guest/pv/rt/kernel.hpp"

#include <cstdint>

namespace pv {

// As trap_common in entry.S pushes it.
struct Trap {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
    uint64_t number;  // vector, or PV_ENTRY_*
    uint64_t error;
    uint64_t rip;
    uint64_t cs;  // with the saved upcall mask from bit 32 on
    uint64_t rflags, rsp, ss;

    [[nodiscard]] bool is_from_user() const { return (cs & 3) == 3; }
    [[nodiscard]] uint64_t saved_mask() const { return cs >> 32 & 0xff; }
};
static_assert(sizeof(Trap) == 22 * 8);

// A trap, and what else the kernel saw as it came.
struct Seen {
    bool happened = false;
    Trap trap{};
    uint64_t cr2 = 0;
    uint8_t mask = 0;  // evtchn_upcall_mask in the handler
};

// Called for what nothing below expects. true: go on as the frame now says.
using Handler = bool (*)(Trap&);
void set_handler(Handler handler);

// Runs the function; what it raised, if anything. It is then left where it was.
Seen attempt(void (*function)(void*), void* argument = nullptr);

// User mode: how it is entered, as pv_enter_user in entry.S reads it.
struct UserState {
    uint64_t rip = 0;
    uint64_t cs = 0xe033;
    uint64_t rflags = 0x202;
    uint64_t rsp = 0;
    uint64_t ss = 0xe02b;
    uint64_t rax = 0, rcx = 0, rdx = 0, rbx = 0, rsi = 0, rdi = 0, rbp = 0;
    uint64_t r8 = 0, r9 = 0, r10 = 0, r11 = 0;
};
// Runs it until it comes back into the kernel by whatever way but an event or an NMI.
const Seen& run_user(const UserState& state);

// Registers every vector (those of INT3, INTO and 0x80 for user mode, too) and all callbacks.
void start_traps();
int64_t set_trap(uint8_t vector, uint8_t flags);
int64_t set_callback(uint16_t type, uint64_t address, uint16_t flags);
uint64_t trap_entry(unsigned vector);

// Which vCPU this is; by its stack.
unsigned this_vcpu();
uint64_t trap_stack_top(unsigned vcpu);
uint64_t stack_top(unsigned vcpu);

// Events and NMIs taken by a vCPU.
struct Counts {
    uint32_t events;
    uint32_t nmis;
};
volatile Counts& counts(unsigned vcpu);
// Called for each event after it was counted and pending was cleared. May be null.
void set_event_handler(void (*handler)(Trap&));

}  // namespace pv

extern "C" {
extern const uint8_t pv_trap_entries[], pv_syscall_entry[], pv_syscall32_entry[], pv_event_entry[],
    pv_nmi_entry[], pv_failsafe_entry[], pv_try_caught[], pv_second_entry[];
extern uint64_t pv_failsafe_segments[4];
extern uint64_t pv_first_rsp, pv_first_rsi;
}
