// SPDX-License-Identifier: Apache-2.0
// System calls of user mode, 64-bit and 32-bit, and back: frames, flags, segment bases across the
// switch. Nothing that user mode does is a hypercall.
#include "hv/abi/xen_pv.hpp"
#include "hv/abi/xen_sched.hpp"
#include "tests/guest/pv/rt/kernel.hpp"
#include "tests/guest/pv/rt/pages.hpp"
#include "tests/guest/pv/rt/user.hpp"

USER_PROGRAM(user_syscall);
USER_PROGRAM(user_syscall_twice);
USER_PROGRAM(user_vmmcall);
USER_PROGRAM(user_jump);
USER_PROGRAM(user_get_bases);
USER_PROGRAM(user_selectors);
USER_PROGRAM(user_fpu);
USER_PROGRAM(user32_int80);
USER_PROGRAM(user32_syscall);
USER_PROGRAM(user32_sysenter);
USER_PROGRAM(user32_store);
USER_PROGRAM(user32_into);

namespace {

using namespace pv;

constexpr uint64_t flag_if = 0x200;
constexpr uint16_t syscall_type =
    static_cast<uint16_t>(hv::abi::CallbackType::CALLBACKTYPE_syscall);
constexpr uint16_t syscall32_type =
    static_cast<uint16_t>(hv::abi::CallbackType::CALLBACKTYPE_syscall32);

uint8_t& upcall_mask() {
    return vcpu_info().evtchn_upcall_mask;
}

Seen run(const UserState& state) {
    const Seen seen = run_user(state);
    upcall_mask() = 1;
    return seen;
}

// rcx and r11 of the frame are rip and rflags, as the processor's SYSCALL leaves them.
void frames() {
    UserState state = user_state(user_syscall);
    state.rax = 0x1234;
    state.rflags = 0x202 | 1 | 0x40;  // carry, zero
    const Seen seen = run(state);
    check_equal(seen.trap.number, PV_ENTRY_SYSCALL, "syscall");
    check_equal(seen.trap.rip, state.rip + 2, "syscall: rip");
    check_equal(seen.trap.cs, 0xe033, "syscall: cs");
    check_equal(seen.trap.ss, 0xe02b, "syscall: ss");
    check_equal(seen.trap.rsp, state.rsp, "syscall: rsp");
    check_equal(seen.trap.rflags, state.rflags, "syscall: rflags");
    check_equal(seen.trap.rax, state.rax, "syscall: rax");
    check_equal(seen.trap.rbx, state.rbx, "syscall: rbx");
    check_equal(seen.trap.r8, state.r8, "syscall: r8");
    check_equal(seen.mask, 1, "syscall: masked, as CALLBACKF_mask_events asks");
    check_equal(seen.trap.saved_mask(), 0, "syscall: the saved mask");
}

void mask_flag() {
    const auto entry = reinterpret_cast<uint64_t>(pv_syscall_entry);
    check_result(set_callback(syscall_type, entry, 0), 0, "callback_op without mask");
    check_equal(run(user_state(user_syscall)).mask, 0, "syscall: not masked");
    check_result(set_callback(syscall_type, entry, 1), 0, "callback_op with mask");
    check_equal(run(user_state(user_syscall)).mask, 1, "syscall: masked again");
}

// A handler that returns, under VGCF_in_syscall (by SYSRET) and without it (all registers).
void returns() {
    for (const uint64_t flags : {uint64_t{0}, uint64_t{hv::abi::VGCF_in_syscall}}) {
        static unsigned calls = 0;
        calls = 0;
        set_handler([](Trap& trap) {
            if (trap.number != PV_ENTRY_SYSCALL || calls++ != 0) {
                return false;
            }
            trap.rax = 0x7777;
            trap.rflags |= 1;
            return true;
        });
        pv_iret_flags = flags;
        UserState state = user_state(user_syscall_twice);
        const Seen seen = run(state);
        pv_iret_flags = 0;
        set_handler(nullptr);
        check_equal(calls, 2, "two system calls");
        check_equal(seen.trap.rip, state.rip + 4, "the second system call");
        check_equal(seen.trap.rax, 0x7777, "what the first has answered");
        check_equal(seen.trap.rflags, 0x203, "and the carry");
        check_equal(seen.trap.rbx, state.rbx, "rbx");
        check_equal(seen.trap.rsp, state.rsp, "rsp");
        check_equal(seen.trap.cs & 0xffff, 0xe033, "cs");
        check_equal(seen.trap.ss, 0xe02b, "ss");
    }
}

void not_hypercalls() {
    UserState state = user_state(user_syscall);
    static const hv::abi::SchedShutdown poweroff{0};
    for (const uint64_t number : {uint64_t{23}, uint64_t{29}, uint64_t{1}, ~uint64_t{0}}) {
        state.rax = number;
        state.rdi = 2;  // SCHEDOP_shutdown
        state.rsi = reinterpret_cast<uint64_t>(&poweroff);
        const Seen seen = run(state);
        check_equal(seen.trap.number, PV_ENTRY_SYSCALL, "a hypercall's number is a system call's");
        check_equal(seen.trap.rax, number, "rax");
    }
    state = user_state(user_vmmcall);
    for (const uint64_t number : {uint64_t{29}, uint64_t{0xffffff00}, uint64_t{0xffffff02}}) {
        state.rax = number;
        state.rdi = 2;
        check_equal(run(state).trap.number, 6, "vmmcall of user mode is #UD");
    }
    // The hypercall page and the stub are there, but not for user mode.
    state = user_state(user_jump);
    for (const uint64_t target : {reinterpret_cast<uint64_t>(pv_hypercall_page) + 29 * 32,
                                  uint64_t{0xffff'8200'0000'0000}}) {
        state.rdi = target;
        const Seen seen = run(state);
        check_equal(seen.trap.number, 14, "user mode jumps into the kernel's half");
        check_equal(seen.trap.rip, target, "and gets no further");
    }
}

// --- Segment bases.

int64_t set_base(hv::abi::SegmentBase which, uint64_t base) {
    return hypercall(Hypercall::set_segment_base, which, base);
}

uint64_t kernel_gs_word() {
    uint64_t value = 0;
    asm volatile("mov %%gs:0, %0" : "=r"(value));
    return value;
}

void bases() {
    using hv::abi::SegmentBase;
    static uint64_t kernel_word = 0xce11;
    // The kernel's view of the user's data page: through user mode's own address.
    volatile uint64_t& fs_word = word(user_data_virt + 0x100);
    volatile uint64_t& gs_word = word(user_data_virt + 0x200);
    fs_word = 0xf5f5;
    gs_word = 0x6565;
    check_result(set_base(SegmentBase::SEGBASE_FS, user_data_virt + 0x100), 0, "FS");
    check_result(set_base(SegmentBase::SEGBASE_GS_USER, user_data_virt + 0x200), 0, "GS of user");
    check_result(set_base(SegmentBase::SEGBASE_GS_KERNEL, to_argument(&kernel_word)), 0,
                 "GS of kernel");
    check_equal(kernel_gs_word(), 0xce11, "the kernel's gs");
    for (unsigned i = 0; i < 2; ++i) {
        const Seen seen = run(user_state(user_get_bases));
        check_equal(seen.trap.rax, 0xf5f5, "the user's fs");
        check_equal(seen.trap.rbx, 0x6565, "the user's gs");
        check_equal(kernel_gs_word(), 0xce11, "the kernel's gs again");
    }
    check_result(set_base(SegmentBase::SEGBASE_GS_USER_SEL, 0), 0, "a null selector");
    const Seen seen = run(user_state(user_get_bases));
    check_equal(seen.trap.number, 14, "the user's gs has base 0");
    check_equal(seen.cr2, 0, "the user's gs has base 0");
    check_equal(kernel_gs_word(), 0xce11, "the kernel's gs is another");

    using hv::abi::Errno;
    const uint64_t bad = 0x8000'0000'0000'0000;
    check_error(set_base(SegmentBase::SEGBASE_FS, bad), Errno::XEN_EINVAL, "FS not canonical");
    check_error(set_base(SegmentBase::SEGBASE_GS_USER, bad), Errno::XEN_EINVAL, "GS, user");
    check_error(set_base(SegmentBase::SEGBASE_GS_KERNEL, bad), Errno::XEN_EINVAL, "GS, kernel");
    check_error(hypercall(Hypercall::set_segment_base, 4, 0), Errno::XEN_EINVAL, "no such base");
    check_equal(kernel_gs_word(), 0xce11, "nothing has changed");
}

void selectors() {
    const Seen seen = run(user_state(user_selectors));
    check_equal(seen.trap.rax, 0xe033, "cs of user mode");
    check_equal(seen.trap.rbx, 0xe02b, "ss of user mode");
}

void floating_point() {
    UserState state = user_state(user_fpu);
    state.rdi = user_data_virt;
    check_equal(run(state).trap.number, PV_ENTRY_SYSCALL, "user mode computes");
    check_equal(word(user_data_virt), 0x3ff0000000000000, "1.0");
}

// --- 32-bit user mode.
void compat() {
    UserState state = user32_state(user32_int80);
    state.rsp = user_stack_top - 64;
    Seen seen = run(state);
    check_equal(seen.trap.number, 0x80, "32-bit: int 0x80");
    check_equal(seen.trap.rbx, 0x11223344, "32-bit: ebx");
    check_equal(seen.trap.rip, state.rip + 7, "32-bit: rip");
    check_equal(seen.trap.cs & 0xffff, 0xe023, "32-bit: cs");
    check_equal(seen.trap.rsp, state.rsp, "32-bit: rsp");
    check_equal(seen.trap.rflags & flag_if, flag_if, "32-bit: IF");

    state.rip = user_address(user32_syscall);
    seen = run(state);
    check_equal(seen.trap.number, PV_ENTRY_SYSCALL32, "32-bit: syscall");
    check_equal(seen.trap.rbx, 0x55667788, "32-bit: ebx");
    check_equal(seen.trap.rip, state.rip + 7, "32-bit: rip of syscall");
    check_equal(seen.trap.cs & 0xffff, 0xe023, "32-bit: cs of syscall");
    check_equal(seen.trap.ss, 0xe02b, "32-bit: ss of syscall");
    check_equal(seen.mask, 1, "32-bit: masked");
    set_callback(syscall32_type, reinterpret_cast<uint64_t>(pv_syscall32_entry), 0);
    check_equal(run(state).mask, 0, "32-bit: not masked");
    set_callback(syscall32_type, reinterpret_cast<uint64_t>(pv_syscall32_entry), 1);

    state.rip = user_address(user32_sysenter);
    // #UD in AMD's long mode; the emulator looks at SYSENTER_CS first and raises #GP.
    const uint64_t refused = run(state).trap.number;
    check(refused == 6 || refused == 13, "32-bit: no SYSENTER in long mode on AMD");
    state.rip = user_address(user32_store);
    state.rdi = user_data_virt + 8;
    seen = run(state);
    check_equal(seen.trap.number, 0x80, "32-bit: a store");
    check_equal(word(user_data_virt + 8), 0x1234, "32-bit: a store");
    state.rip = user_address(user32_into);
    check_equal(run(state).trap.number, 4, "32-bit: into");
}

void all() {
    frames();
    mask_flag();
    returns();
    not_hypercalls();
    bases();
    selectors();
    floating_point();
    compat();
}

}  // namespace

void pv::run() {
    start_user();
    run_both_ways(all);
}
