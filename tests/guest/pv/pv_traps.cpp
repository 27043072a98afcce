// SPDX-License-Identifier: Apache-2.0
// Every exception from the kernel: the frames are Xen's, whatever the processor pushed.
#include "tests/guest/pv/pv_traps.hpp"

#include "hv/abi/xen_pv.hpp"
#include "tests/guest/pv/rt/pages.hpp"
#include "tests/guest/pv/rt/traps.hpp"

namespace {

using namespace pv;

// A stack access at a non-canonical address raises #GP on the emulator: found out first.
unsigned stack_fault = SS;

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

void cpuid_with_prefix() {
    uint32_t eax = 0x40000000, ebx = 0, ecx = 0, edx = 0;
    asm volatile(".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e; cpuid"
                 : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    check_equal(ebx, 0x566e6558, "kernel: CPUID with the prefix");
}

void all() {
    from_kernel();
    masks_come_back();
    positions();
    registers_survive();
    nested();
    task_switched();
    cpuid_with_prefix();
}

}  // namespace

void pv::run() {
    stack_fault = attempt(stack_not_canonical).trap.number == GP ? GP : SS;
    run_both_ways(all);
}
