// SPDX-License-Identifier: Apache-2.0
// Every exception from user mode, and returns to it: the frames are Xen's, whatever the processor
// pushed.
#include "tests/guest/pv/pv_traps.hpp"
#include "tests/guest/pv/rt/pages.hpp"
#include "tests/guest/pv/rt/user.hpp"

USER_PROGRAM(user_divide);
USER_PROGRAM(user_int3);
USER_PROGRAM(user_int4);
USER_PROGRAM(user_int80);
USER_PROGRAM(user_int14);
USER_PROGRAM(user_int20);
USER_PROGRAM(user_int_event);
USER_PROGRAM(user_ud2);
USER_PROGRAM(user_vmmcall);
USER_PROGRAM(user_sysenter);
USER_PROGRAM(user_cpuid);
USER_PROGRAM(user_not_canonical);
USER_PROGRAM(user_stack_not_canonical);
USER_PROGRAM(user_load);
USER_PROGRAM(user_store);
USER_PROGRAM(user_jump);
USER_PROGRAM(user_load_ds);
USER_PROGRAM(user_cli);
USER_PROGRAM(user_hlt);
USER_PROGRAM(user_in);
USER_PROGRAM(user_out);
USER_PROGRAM(user_read_cr0);
USER_PROGRAM(user_rdmsr);
USER_PROGRAM(user_lgdt);
USER_PROGRAM(user_clts);
USER_PROGRAM(user_wbinvd);
USER_PROGRAM(user_swapgs);
USER_PROGRAM(user_step);
USER_PROGRAM(user_stepped);
USER_PROGRAM(user_syscall);

namespace {

using namespace pv;

// What the emulator does unlike a processor, found out first: a stack access at a non-canonical
// address raises #GP there, and the error code of a gate's number is shifted by one bit more.
unsigned stack_fault = SS;
unsigned gate_shift = 3;
// Nor does its IRETQ look at the address: the fault comes behind it.
bool iret_checks_address = true;

uint64_t gate_error(uint64_t vector) {
    return vector << gate_shift | 2;
}

void check_user_frame(const Seen& seen, const UserState& state, unsigned number, uint64_t error,
                      std::string_view what) {
    check(seen.happened, what);
    check_equal(seen.trap.number, number, what);
    check_equal(seen.trap.error, error, what);
    check_equal(seen.trap.cs & 0xffff, state.cs, what);
    check_equal(seen.trap.ss, 0xe02b, what);
    check_equal(seen.trap.rsp, state.rsp, what);
    check_equal(seen.trap.r8, state.r8, what);
    check_equal(seen.trap.r11, state.r11, what);
    check_equal(seen.trap.rflags & flag_if, flag_if, what);
    check_equal(seen.trap.saved_mask(), 0, what);
}

void from_user() {
    struct Case {
        const char* program;
        unsigned number;
        uint64_t error;
        uint64_t offset;  // of rip
        std::string_view what;
    };
    const Case cases[] = {
        {user_divide, DE, 0, 4, "user: divide"},
        {user_int3, BP, 0, 1, "user: int3"},
        {user_int4, OF, 0, 2, "user: int 4"},
        {user_int80, 0x80, 0, 2, "user: int 0x80"},
        {user_int20, GP, gate_error(0x20), 0, "user: int through the kernel's gate"},
        {user_int_event, GP, gate_error(31), 0, "user: int through the hypervisor's gate"},
        {user_ud2, UD, 0, 0, "user: ud2"},
        {user_vmmcall, UD, 0, 0, "user: vmmcall"},
        {user_sysenter, UD, 0, 0, "user: sysenter"},
        {user_not_canonical, GP, 0, 10, "user: non-canonical"},
        {user_stack_not_canonical, stack_fault, 0, 10, "user: non-canonical stack"},
        {user_cli, GP, 0, 0, "user: cli"},
        {user_hlt, GP, 0, 0, "user: hlt"},
        {user_in, GP, 0, 0, "user: in"},
        {user_out, GP, 0, 0, "user: out"},
        {user_read_cr0, GP, 0, 0, "user: mov from cr0"},
        {user_rdmsr, GP, 0, 5, "user: rdmsr"},
        {user_lgdt, GP, 0, 0, "user: lgdt"},
        {user_clts, GP, 0, 0, "user: clts"},
        {user_wbinvd, GP, 0, 0, "user: wbinvd"},
        {user_swapgs, GP, 0, 0, "user: swapgs"},
    };
    for (const Case& c : cases) {
        const UserState state = user_state(c.program);
        const Seen seen = run_user(state);
        check_user_frame(seen, state, c.number, c.error, c.what);
        check_equal(seen.trap.rip, state.rip + c.offset, c.what);
        check_equal(seen.mask, 0, c.what);
        upcall_mask() = 1;
    }
}

void page_faults_of_user() {
    struct Case {
        const char* program;
        uint64_t address;
        uint64_t error;
        std::string_view what;
    };
    const Case cases[] = {
        {user_load, 0x20000000, 4, "user: load of nothing"},
        {user_store, 0x20000000, 6, "user: store to nothing"},
        {user_store, user_code_virt, 7, "user: store to code"},
        {user_jump, user_data_virt, 0x15, "user: jump to data"},
        // Xen says 4: its kernels' pages are not there for user mode. hv/pv/README.md has why.
        {user_load, virt_base, 5, "user: load of the kernel's memory"},
        {user_store, virt_base, 7, "user: store to the kernel's memory"},
        {user_load, 0xffff800000000000, 5, "user: load of the M2P"},
    };
    for (const Case& c : cases) {
        UserState state = user_state(c.program);
        state.rdi = c.address;
        const Seen seen = run_user(state);
        upcall_mask() = 1;
        check_user_frame(seen, state, PF, c.error, c.what);
        check_equal(seen.cr2, c.address, c.what);
    }
}

void bad_selector_of_user() {
    UserState state = user_state(user_load_ds);
    state.rdi = 0xe03b;  // the hypervisor's code segment, of privilege 0
    Seen seen = run_user(state);
    check_user_frame(seen, state, GP, 0xe038, "user: the hypervisor's code segment as data");
    state.rdi = 0xe043;
    seen = run_user(state);
    check_user_frame(seen, state, GP, 0xe040, "user: the hypervisor's data segment");
    upcall_mask() = 1;
}

void step_of_user() {
    hypercall(Hypercall::set_debugreg, 6, 0xffff0ff0);
    UserState state = user_state(user_step);
    state.rflags |= flag_tf;
    const Seen seen = run_user(state);
    upcall_mask() = 1;
    check_user_frame(seen, state, DB, 0, "user: single step");
    check_equal(seen.trap.rip, user_address(user_stepped), "user: behind one instruction");
    check_equal(seen.trap.rflags & flag_tf, flag_tf, "user: TF in the frame");
    const int64_t dr6 = hypercall(Hypercall::get_debugreg, 6);
    check_equal(static_cast<uint64_t>(dr6) & 0x4000, 0x4000, "user: BS in DR6");
}

void cpuid_with_prefix() {
    UserState state = user_state(user_cpuid);
    state.rax = 0x40000000;
    const Seen seen = run_user(state);
    upcall_mask() = 1;
    check_equal(seen.trap.number, PV_ENTRY_SYSCALL, "user: CPUID with the prefix goes on");
    check_equal(seen.trap.rbx, 0x566e6558, "user: CPUID with the prefix");
}

// A return to user mode that the processor refuses.
void bad_returns() {
    const auto refused = [](const UserState& state, std::string_view what) {
        const Seen seen = run_user(state);
        upcall_mask() = 1;
        check_equal(seen.trap.number, PV_ENTRY_FAILSAFE, what);
        check_equal(seen.trap.rip, state.rip, what);
        check_equal(seen.trap.cs & 0xffff, state.cs | 3, what);
        check_equal(seen.trap.rsp, state.rsp, what);
        check_equal(seen.trap.rcx, state.rcx, what);
        check_equal(seen.trap.r11, state.r11, what);
        check_equal(seen.trap.r8, state.r8, what);
        check_equal(seen.mask, 1, what);  // CALLBACKF_mask_events
    };
    UserState state = user_state(user_ud2);
    state.rip = not_canonical;
    if (iret_checks_address) {
        refused(state, "iret to a non-canonical address");
    }
    state = user_state(user_ud2);
    state.cs = 0xf123;
    refused(state, "iret with a bad code segment");
    state = user_state(user_ud2);
    state.cs = 0xe02b;
    refused(state, "iret with a data segment for code");
    state = user_state(user_ud2);
    state.ss = 0xf123;
    refused(state, "iret with a bad stack segment");
}

// The stub is mapped, and takes some faults of its own instructions for itself. Where it is, is
// hv/pv/stub_layout.hpp's: any guest can find it out.
constexpr uint64_t stub_virt = 0xffff820000000000;
constexpr uint64_t stub_bytes = 0x2000;

void jumps_into_the_stub() {
    UserState state = user_state(user_jump);
    for (uint64_t offset = 0; offset < stub_bytes; ++offset) {
        state.rdi = stub_virt + offset;
        const Seen seen = run_user(state);
        upcall_mask() = 1;
        check_user_frame(seen, state, PF, 0x15, "user: jump into the stub");
        check_equal(seen.trap.rip, state.rdi, "user: jump into the stub");
    }
}

void software_interrupt_without_error_code() {
    check_result(set_trap(PF, 3), 0, "set_trap_table");
    const UserState state = user_state(user_int14);
    const Seen seen = run_user(state);
    upcall_mask() = 1;
    check_user_frame(seen, state, GP, gate_error(14),
                     "user: int 14, though its gate asks for DPL 3");
    check_result(set_trap(PF, 0), 0, "set_trap_table");
}

void know_the_processor() {
    stack_fault = run_user(user_state(user_stack_not_canonical)).trap.number == GP ? GP : SS;
    gate_shift = run_user(user_state(user_int20)).trap.error == (0x20 << 4 | 2) ? 4 : 3;
    UserState state = user_state(user_ud2);
    state.rip = not_canonical;
    iret_checks_address = run_user(state).trap.number != GP;
    upcall_mask() = 1;
}

void all() {
    from_user();
    page_faults_of_user();
    bad_selector_of_user();
    step_of_user();
    cpuid_with_prefix();
    bad_returns();
    jumps_into_the_stub();
    software_interrupt_without_error_code();
}

}  // namespace

void pv::run() {
    start_user();
    know_the_processor();
    run_both_ways(all);
}
