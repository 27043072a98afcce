// SPDX-License-Identifier: Apache-2.0
// Every vector that INT can raise, from the kernel and from user space; floating-point exceptions;
// breakpoints. What the emulator does not raise is found out first and said.
#include "hv/abi/xen_pv.hpp"
#include "tests/guest/pv/rt/kernel.hpp"
#include "tests/guest/pv/rt/layout.hpp"
#include "tests/guest/pv/rt/pages.hpp"
#include "tests/guest/pv/rt/user.hpp"

#include <algorithm>
#include <initializer_list>

USER_PROGRAM(user_code);

namespace {

using namespace pv;

constexpr uint64_t code_virt = 0x10100000;  // of user space, written through `code`
constexpr unsigned breakpoint_vector = 1;
constexpr unsigned general_protection = 13;
constexpr unsigned x87_vector = 16;
constexpr unsigned sse_vector = 19;
constexpr uint8_t ret = 0xc3;

uint64_t code = 0;  // the same page for the kernel

void write_code(std::initializer_list<uint8_t> bytes) {
    std::copy(bytes.begin(), bytes.end(), reinterpret_cast<volatile uint8_t*>(code));
}
Seen run_code() {
    UserState state = user_state(user_code);
    state.rip = code_virt;
    state.rdi = user_data_virt;
    const Seen seen = run_user(state);
    vcpu_info().evtchn_upcall_mask = 1;
    return seen;
}
Seen call_code() {
    return attempt([](void*) { reinterpret_cast<void (*)()>(code)(); });
}

// The processor pushes an error code for these, which INT does not; 2 and 31 are hv's, as is 8.
bool is_for_int(unsigned vector) {
    constexpr unsigned others[] = {2, 8, 10, 11, 12, 13, 14, 17, 21, 29, 30, 31};
    return std::find(std::begin(others), std::end(others), vector) == std::end(others);
}

void interrupts() {
    for (unsigned vector = 0; vector < 256; ++vector) {
        if (!is_for_int(vector)) {
            continue;
        }
        write_code({0xcd, static_cast<uint8_t>(vector), ret});
        check_result(set_trap(static_cast<uint8_t>(vector), 0), 0, "a trap for the kernel");
        const Seen seen = call_code();
        check_equal(seen.trap.number, vector, "INT in the kernel");
        check_equal(seen.trap.error, 0, "no error code");
        check_equal(seen.trap.cs & 0xffff, 0xe030, "cs");
        check_equal(run_code().trap.number, general_protection, "INT in user space is refused");
        check_result(set_trap(static_cast<uint8_t>(vector), 3), 0, "a trap for user space");
        const Seen user = run_code();
        check_equal(user.trap.number, vector, "INT in user space");
        check_equal(user.trap.rip, code_virt + 2, "rip is behind it");
        check_equal(user.trap.cs & 0xffff, 0xe033, "cs");
        // bit 2 of the flags: events are masked on the way in
        check_result(set_trap(static_cast<uint8_t>(vector), 3 | 4), 0, "a trap that masks");
        check_equal(run_code().mask, 1, "events are masked");
    }
}

// x87: unmasked division by zero, told by the instruction that waits.
void x87() {
    const std::initializer_list<uint8_t> bytes = {
        0xdb, 0xe3,                    // fninit
        0x68, 0x7b, 0x03, 0x00, 0x00,  // push $0x37b: division by zero is unmasked
        0xd9, 0x2c, 0x24,              // fldcw (%rsp)
        0x58,                          // pop %rax
        0xd9, 0xe8,                    // fld1
        0xd9, 0xee,                    // fldz
        0xde, 0xf9,                    // fdivp
        0x9b,                          // fwait
        0x0f, 0x0b};                   // ud2
    write_code(bytes);
    check_equal(run_code().trap.number, x87_vector, "#MF of user space");
    const Seen seen = call_code();
    check_equal(seen.trap.number, x87_vector, "#MF of the kernel");
    check_equal(seen.trap.cs & 0xffff, 0xe030, "cs");
    asm volatile("fninit");
}

// SSE: 0/0, unmasked.
void sse() {
    const std::initializer_list<uint8_t> bytes = {0x68, 0x00, 0x00, 0x00,
                                                  0x00,  // push $0: all exceptions are unmasked
                                                  0x0f, 0xae, 0x14, 0x24,  // ldmxcsr (%rsp)
                                                  0x58,                    // pop %rax
                                                  0x0f, 0x57, 0xc0,        // xorps %xmm0, %xmm0
                                                  0xf3, 0x0f, 0x5e, 0xc0,  // divss %xmm0, %xmm0
                                                  0x0f, 0x0b};             // ud2
    write_code(bytes);
    const Seen user = run_code();
    const Seen kernel = call_code();
    if (user.trap.number == 6) {
        print("note: the emulator raises no #XM\n");
    } else {
        check_equal(user.trap.number, sse_vector, "#XM of user space");
        check_equal(kernel.trap.number, sse_vector, "#XM of the kernel");
    }
    constexpr uint32_t masked = 0x1f80;
    asm volatile("ldmxcsr %0" : : "m"(masked));
}

// An instruction breakpoint in user space, and that what is in DR7 stays there.
void breakpoints() {
    constexpr uint64_t local_0 = 0x401;
    write_code({0x90, 0x90, 0x0f, 0x0b});  // nop; nop; ud2
    check_result(hypercall(Hypercall::set_debugreg, 0, code_virt + 1), 0, "DR0");
    check_result(hypercall(Hypercall::set_debugreg, 6, 0xffff0ff0), 0, "DR6");
    check_result(hypercall(Hypercall::set_debugreg, 7, local_0), 0, "DR7");
    const Seen seen = run_code();
    check_result(hypercall(Hypercall::get_debugreg, 7), local_0, "DR7 is what it was");
    check_result(hypercall(Hypercall::get_debugreg, 0), code_virt + 1, "DR0 is what it was");
    if (seen.trap.number == 6) {
        print("note: the emulator arms no breakpoint that VMRUN loads\n");
    } else {
        check_equal(seen.trap.number, breakpoint_vector, "#DB");
        check_equal(seen.trap.rip, code_virt + 1, "at the breakpoint");
        const int64_t dr6 = hypercall(Hypercall::get_debugreg, 6);
        check_equal(static_cast<uint64_t>(dr6) & 0xf, 1, "DR6 says which");
    }
    check_result(hypercall(Hypercall::set_debugreg, 7, 0), 0, "DR7 off");
    check_equal(run_code().trap.number, 6, "no breakpoint any more");
    check_result(hypercall(Hypercall::set_debugreg, 6, 0xffff0ff0), 0, "DR6");
}

}  // namespace

void pv::run() {
    start_user();
    vcpu_info().evtchn_upcall_mask = 1;
    const uint64_t page = take_page();
    code = virt_of(page);
    map_page(code_virt, mfn_of(page) * page_bytes | pte::P | pte::US | pte::A);
    hypercall(Hypercall::fpu_taskswitch, 0);
    interrupts();
    start_traps();
    x87();
    sse();
    breakpoints();
}
