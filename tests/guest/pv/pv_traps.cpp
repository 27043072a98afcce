// SPDX-License-Identifier: Apache-2.0
// Every exception, from the kernel and from user mode: the frames are Xen's, whatever the processor
// pushed. All of it twice: with hypercalls through the page and by SYSCALL.
#include "hv/abi/xen_pv.hpp"
#include "tests/guest/pv/rt/kernel.hpp"
#include "tests/guest/pv/rt/pages.hpp"
#include "tests/guest/pv/rt/user.hpp"

USER_PROGRAM(user_divide);
USER_PROGRAM(user_int3);
USER_PROGRAM(user_int4);
USER_PROGRAM(user_int80);
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

constexpr uint64_t flag_if = 0x200;
constexpr uint64_t flag_tf = 0x100;
constexpr uint64_t not_canonical = 0x8000'0000'0000'0000;

constexpr unsigned DE = 0, DB = 1, BP = 3, OF = 4, UD = 6, NM = 7, SS = 12, GP = 13, PF = 14;

// What the emulator does unlike a processor, found out first: a stack access at a non-canonical
// address raises #GP there, and the error code of a gate's number is shifted by one bit more.
unsigned stack_fault = SS;
unsigned gate_shift = 3;
// Nor does its IRETQ look at the address: the fault comes behind it.
bool iret_checks_address = true;

uint64_t gate_error(uint64_t vector) {
    return vector << gate_shift | 2;
}

uint8_t& upcall_mask() {
    return vcpu_info().evtchn_upcall_mask;
}

// --- From the kernel.

void check_kernel_frame(const Seen& seen, unsigned vector, uint64_t error, std::string_view what) {
    check(seen.happened, what);
    check_equal(seen.trap.number, vector, what);
    check_equal(seen.trap.error, error, what);
    check_equal(seen.trap.cs & 0xffff, 0xe030, what);
    check_equal(seen.trap.ss, 0xe02b, what);
}

// SAFETY of the instructions below: each faults, and `attempt` leaves the function.
void divide(void*) {
    asm volatile("div %0" : : "r"(0), "a"(1), "d"(0));
}
void breakpoint(void*) {
    asm volatile("int3");
}
void interrupt(void*) {
    asm volatile("int $0x80");
}
void undefined(void*) {
    asm volatile("ud2");
}
void load_not_canonical(void*) {
    asm volatile("mov (%0), %%rax" : : "r"(not_canonical) : "rax");
}
void stack_not_canonical(void*) {
    asm volatile("push %%rbp; mov %0, %%rbp; mov (%%rbp), %%rax" : : "r"(not_canonical) : "rax");
}
void load_bad_selector(void*) {
    asm volatile("mov %0, %%es" : : "r"(0xf123));
}
void use_fpu(void*) {
    asm volatile("fnop");
}
void step(void*) {
    asm volatile("pushf; orl $0x100, (%%rsp); popf; nop; nop" : : : "memory", "cc");
}
void hlt(void*) {
    asm volatile("hlt");
}
void jump_to_nothing(void*) {
    asm volatile("jmp *%0" : : "r"(uint64_t{0x123000}));
}

void from_kernel() {
    struct Case {
        void (*raise)(void*);
        unsigned vector;
        uint64_t error;
        std::string_view what;
    };
    const Case cases[] = {
        {divide, DE, 0, "kernel: divide"},
        {breakpoint, BP, 0, "kernel: int3"},
        {interrupt, 0x80, 0, "kernel: int 0x80"},
        {undefined, UD, 0, "kernel: ud2"},
        {load_not_canonical, GP, 0, "kernel: load of a non-canonical address"},
        {stack_not_canonical, stack_fault, 0, "kernel: stack access at a non-canonical address"},
        {load_bad_selector, GP, 0xf120, "kernel: bad selector"},
        {step, DB, 0, "kernel: single step"},
        {hlt, GP, 0, "kernel: hlt"},
        {jump_to_nothing, PF, 0x10, "kernel: jump to nothing"},
    };
    for (const Case& c : cases) {
        for (const uint8_t mask : {uint8_t{1}, uint8_t{0}}) {
            upcall_mask() = mask;
            const Seen seen = attempt(c.raise);
            upcall_mask() = 1;
            check_kernel_frame(seen, c.vector, c.error, c.what);
            check_equal(seen.trap.saved_mask(), mask, c.what);
            check_equal(seen.trap.rflags & flag_if, mask != 0 ? 0 : flag_if, c.what);
            check_equal(seen.mask, mask, c.what);  // a gate without TI_GET_IF leaves it
        }
    }
}

// The mask of the interrupted code comes back with iret, as IF of the frame says.
void masks_come_back() {
    for (const uint8_t mask : {uint8_t{1}, uint8_t{0}}) {
        upcall_mask() = mask;
        attempt(undefined);
        const uint8_t after = upcall_mask();
        upcall_mask() = 1;
        check_equal(after, mask, "iret restores the mask");
    }
    check_result(set_trap(UD, hv::abi::ti_if), 0, "set_trap_table");
    upcall_mask() = 0;
    const Seen seen = attempt(undefined);
    const uint8_t after = upcall_mask();
    upcall_mask() = 1;
    check_equal(seen.mask, 1, "TI_GET_IF masks");
    check_equal(seen.trap.saved_mask(), 0, "and the frame says what was before");
    check_equal(after, 0, "and iret takes it back");
    set_trap(UD, 0);
}

// int3 and int n go on behind the instruction, faults at it.
void positions() {
    static uint64_t at = 0;
    set_handler([](Trap& trap) {
        at = trap.rip;
        if (trap.number == UD) {
            trap.rip += 2;
        }
        return true;
    });
    uint64_t here = 0;
    asm volatile("lea 1f(%%rip), %0; int3; 1:" : "=r"(here));
    check_equal(at, here, "int3 is behind");
    asm volatile("lea 1f(%%rip), %0; int $0x80; 1:" : "=r"(here));
    check_equal(at, here, "int n is behind");
    asm volatile("lea 1f(%%rip), %0; 1: ud2" : "=r"(here));
    check_equal(at, here, "ud2 is at it");
    set_handler(nullptr);
}

// Registers survive a trap and its iret, the two that Xen puts into the frame among them.
void registers_survive() {
    set_handler([](Trap&) { return true; });
    uint64_t rcx = 0x1234567812345678;
    uint64_t rax = 0xaaaaaaaaaaaaaaaa;
    register uint64_t r11 asm("r11") = 0x8765432187654321;
    uint64_t flags = 0;
    asm volatile("stc; int3; pushf; pop %[flags]"
                 : "+c"(rcx), "+a"(rax), "+r"(r11), [flags] "=&b"(flags)
                 :
                 : "cc", "memory");
    check_equal(rcx, 0x1234567812345678, "rcx");
    check_equal(r11, 0x8765432187654321, "r11");
    check_equal(rax, 0xaaaaaaaaaaaaaaaa, "rax");
    check_equal(flags & 1, 1, "carry");
    set_handler(nullptr);
}

void nested() {
    static unsigned depth = 0;
    depth = 0;
    set_handler([](Trap& trap) {
        if (trap.number != BP) {
            return false;
        }
        const Seen inner = attempt(divide);
        check_kernel_frame(inner, DE, 0, "a fault in a handler");
        ++depth;
        return true;
    });
    asm volatile("int3" : : : "memory");
    set_handler(nullptr);
    check_equal(depth, 1, "the handler has gone on");
}

void task_switched() {
    check_result(hypercall(Hypercall::fpu_taskswitch, 1), 0, "fpu_taskswitch");
    check_kernel_frame(attempt(use_fpu), NM, 0, "#NM");
    check(!attempt(use_fpu).happened, "Xen clears TS when it delivers #NM");
    hypercall(Hypercall::fpu_taskswitch, 1);
    hypercall(Hypercall::fpu_taskswitch, 0);
    check(!attempt(use_fpu).happened, "fpu_taskswitch(0)");
}

// --- From user mode.

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

void cpuid_of_both() {
    uint32_t eax = 0x40000000, ebx = 0, ecx = 0, edx = 0;
    asm volatile(".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e; cpuid"
                 : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    check_equal(ebx, 0x566e6558, "kernel: CPUID with the prefix");
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

void know_the_processor() {
    stack_fault = attempt(stack_not_canonical).trap.number == GP ? GP : SS;
    gate_shift = run_user(user_state(user_int20)).trap.error == (0x20 << 4 | 2) ? 4 : 3;
    UserState state = user_state(user_ud2);
    state.rip = not_canonical;
    iret_checks_address = run_user(state).trap.number != GP;
    upcall_mask() = 1;
}

void all() {
    from_kernel();
    masks_come_back();
    positions();
    registers_survive();
    nested();
    task_switched();
    from_user();
    page_faults_of_user();
    bad_selector_of_user();
    step_of_user();
    cpuid_of_both();
    bad_returns();
}

}  // namespace

void pv::run() {
    start_user();
    know_the_processor();
    all();
    print("once more by SYSCALL\n");
    pv_uses_syscall = true;
    all();
}
