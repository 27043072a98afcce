// SPDX-License-Identifier: Apache-2.0
// A kernel that maps itself with the user bit, as CPL 3 allows on Xen: user space needs tables of
// its own then, and every way into the kernel and back changes CR3.
#include "hv/abi/xen_event_channel.hpp"
#include "hv/abi/xen_pv.hpp"
#include "tests/guest/pv/rt/kernel.hpp"
#include "tests/guest/pv/rt/pages.hpp"
#include "tests/guest/pv/rt/user.hpp"

#include <atomic>

USER_PROGRAM(user_syscall);
USER_PROGRAM(user_syscall_twice);
USER_PROGRAM(user_divide);
USER_PROGRAM(user_int3);
USER_PROGRAM(user_int80);
USER_PROGRAM(user_ud2);
USER_PROGRAM(user_cli);
USER_PROGRAM(user_vmmcall);
USER_PROGRAM(user_load);
USER_PROGRAM(user_store);
USER_PROGRAM(user_spin);
USER_PROGRAM(user32_int80);
USER_PROGRAM(user32_syscall);

namespace {

using namespace pv;
using hv::abi::Errno;
using hv::abi::MmuextCmd;

constexpr unsigned slot_shift = 39;
constexpr uint64_t page_fault = 14;

int64_t ext(MmuextCmd cmd, uint64_t arg) {
    return mmuext(static_cast<uint32_t>(cmd), arg);
}

uint64_t cr3() {
    uint64_t value = 0;
    asm volatile("mov %%cr3, %0" : "=r"(value));
    return value;
}

Seen run(const UserState& state) {
    const Seen seen = run_user(state);
    vcpu_info().evtchn_upcall_mask = 1;
    check_equal(cr3(), root_mfn() * page_bytes, "the kernel runs on its own tables");
    return seen;
}

// Every page of the boot area, and the tables above them.
void open_kernel() {
    for (unsigned level = 4; level > 1; --level) {
        const uint64_t at = entry_machine(virt_base, level);
        check_result(set_entry(at, entry_of(virt_base, level) | pte::US), 0, "a table's entry");
    }
    for (uint64_t virt = virt_base;; virt += page_bytes) {
        const uint64_t old = entry_of(virt);
        if ((old & pte::P) == 0) {
            break;
        }
        if (update_va_mapping(virt, old | pte::US, 0) != 0) {
            fail("a page for user space", virt);
        }
    }
    ext(MmuextCmd::MMUEXT_TLB_FLUSH_LOCAL, 0);
}

uint64_t user_root() {
    const uint64_t pfn = take_page();
    constexpr uint64_t slot = user_code_virt >> slot_shift;
    word(virt_of(pfn) + slot * 8) = entry_of(user_code_virt, 4);
    update_va_mapping(virt_of(pfn), mfn_of(pfn) * page_bytes | pte::kernel_read_only);
    check_result(ext(MmuextCmd::MMUEXT_PIN_L4_TABLE, mfn_of(pfn)), 0, "pin");
    return mfn_of(pfn);
}

// With the kernel's tables this would read it: they let everybody.
void kernel_is_elsewhere() {
    UserState state = user_state(user_load);
    static volatile uint64_t secret = 0x5ec2e7;
    state.rdi = reinterpret_cast<uint64_t>(&secret);
    Seen seen = run(state);
    check_equal(seen.trap.number, page_fault, "user space loads from the kernel");
    check_equal(seen.trap.error, 4, "which is not there");
    check_equal(seen.cr2, state.rdi, "cr2");
    state = user_state(user_store);
    state.rdi = reinterpret_cast<uint64_t>(&secret);
    seen = run(state);
    check_equal(seen.trap.number, page_fault, "user space stores to the kernel");
    check_equal(seen.trap.error, 6, "which is not there");
    state = user_state(user_load);
    state.rdi = user_data_virt;
    word(user_data_virt) = 0x777;
    check_equal(run(state).trap.rax, 0x777, "user memory is there");
}

void ways_in() {
    UserState state = user_state(user_syscall);
    state.rax = 0x1234;
    const Seen seen = run(state);
    check_equal(seen.trap.number, PV_ENTRY_SYSCALL, "syscall");
    check_equal(seen.trap.rip, state.rip + 2, "syscall: rip");
    check_equal(seen.trap.rsp, state.rsp, "syscall: rsp");
    check_equal(seen.trap.cs, 0xe033, "syscall: cs");
    check_equal(seen.trap.ss, 0xe02b, "syscall: ss");
    check_equal(seen.trap.rax, state.rax, "syscall: rax");
    check_equal(seen.trap.r8, state.r8, "syscall: r8");
    check_equal(seen.trap.rbx, state.rbx, "syscall: rbx");
    struct {
        const char* program;
        uint64_t number;
        uint64_t error;
    } const ways[] = {{user_divide, 0, 0}, {user_int3, 3, 0},    {user_int80, 0x80, 0},
                      {user_ud2, 6, 0},    {user_vmmcall, 6, 0}, {user_cli, 13, 0}};
    for (const auto& way : ways) {
        state = user_state(way.program);
        const Seen trapped = run(state);
        check_equal(trapped.trap.number, way.number, "an exception");
        check_equal(trapped.trap.error, way.error, "its error code");
        check_equal(trapped.trap.cs & 0xffff, 0xe033, "from user space");
        check_equal(trapped.trap.rsp, state.rsp, "its stack");
        check_equal(trapped.trap.r8, state.r8, "its registers");
    }
    check_equal(run(user32_state(user32_int80)).trap.number, 0x80, "int 0x80 of 32-bit code");
    check_equal(run(user32_state(user32_syscall)).trap.number, PV_ENTRY_SYSCALL32,
                "syscall of 32-bit code");
}

// A handler that returns.
void ways_back() {
    static unsigned calls = 0;
    calls = 0;
    set_handler([](Trap& trap) {
        if (trap.number != PV_ENTRY_SYSCALL || calls++ != 0) {
            return false;
        }
        trap.rax = 0x7777;
        return true;
    });
    const Seen seen = run(user_state(user_syscall_twice));
    set_handler(nullptr);
    check_equal(calls, 2, "two system calls");
    check_equal(seen.trap.rax, 0x7777, "the second has what the first gave back");
    check_equal(seen.trap.r8, user_state(user_syscall_twice).r8, "and the registers");
}

// An event while user space runs. The kernel's answer ends the program.
void events() {
    const hv::abi::EvtchnBindVirq argument{static_cast<uint32_t>(hv::abi::Virq::VIRQ_TIMER), 0, 0};
    hv::abi::EvtchnBindVirq virq = argument;
    check_result(
        hypercall(Hypercall::event_channel_op, hv::abi::EventChannelOp::EVTCHNOP_bind_virq, &virq),
        0, "bind_virq");
    std::atomic_ref{shared_info().evtchn_mask[virq.port / 64]}.fetch_and(
        ~(uint64_t{1} << virq.port % 64));
    set_event_handler([](Trap& trap) {
        if (trap.is_from_user()) {
            word(user_data_virt) = 1;
        }
    });
    word(user_data_virt) = 0;
    constexpr uint64_t soon = 20'000'000;
    check_result(hypercall(Hypercall::set_timer_op, system_time_ns() + soon), 0, "set_timer_op");
    UserState state = user_state(user_spin);
    state.rdi = user_data_virt;
    check_equal(run(state).trap.number, PV_ENTRY_SYSCALL, "the program ends");
    check(word(user_data_virt) == 1, "by an event that came from user space");
    set_event_handler(nullptr);
}

// Faults of the kernel itself change nothing about it, nor do its stacks.
void kernel_faults() {
    const Seen seen = attempt([](void*) { word(0x123456789000) = 0; });
    check_equal(seen.trap.number, page_fault, "the kernel's own page fault");
    check_equal(cr3(), root_mfn() * page_bytes, "on its own tables");
    check_equal(seen.trap.cs & 0xffff, 0xe030, "from the kernel");
    check(attempt([](void*) { asm volatile("ud2"); }).trap.number == 6, "its invalid opcode");
}

}  // namespace

void pv::run() {
    start_user();
    const uint64_t root = user_root();
    open_kernel();
    check_error(ext(MmuextCmd::MMUEXT_NEW_USER_BASEPTR, 0x90000), Errno::XEN_EINVAL, "nobody's");
    check_result(ext(MmuextCmd::MMUEXT_NEW_USER_BASEPTR, root), 0, "tables for user space");
    for (pv_uses_syscall = false;; pv_uses_syscall = true) {
        kernel_is_elsewhere();
        ways_in();
        ways_back();
        kernel_faults();
        check_result(hypercall(Hypercall::stack_switch, 0xe02b, trap_stack_top(0)), 0, "stack");
        check_result(ext(MmuextCmd::MMUEXT_NEW_USER_BASEPTR, root), 0, "the same tables");
        if (pv_uses_syscall) {
            break;
        }
        print("once more by SYSCALL\n");
    }
    events();
}
