// SPDX-License-Identifier: Apache-2.0
// Instructions that a PV kernel should not use, code that is none, and user space that does what
// only kernels may.
#include "tests/guest/pv/pv_fuzz.hpp"
#include "tests/guest/pv/rt/user.hpp"

#include <algorithm>
#include <span>

USER_PROGRAM(user_syscall);
USER_PROGRAM(user_int80);
USER_PROGRAM(user_vmmcall);
USER_PROGRAM(user_sysenter);
USER_PROGRAM(user_cpuid);
USER_PROGRAM(user_load);
USER_PROGRAM(user_store);
USER_PROGRAM(user_jump);
USER_PROGRAM(user_load_ds);
USER_PROGRAM(user_rdmsr);
USER_PROGRAM(user_swapgs);
USER_PROGRAM(user_far_call);
USER_PROGRAM(user32_int80);
USER_PROGRAM(user32_syscall);

namespace fuzz {

namespace {

using namespace pv;

// A page of code for each vCPU, for the kernel and, a little further, for user space.
constexpr uint64_t code_virt = 0x60000000000;
constexpr uint64_t user_code_offset = 16 * page_bytes;
constexpr uint8_t ud2[] = {0x0f, 0x0b};

struct Instruction {
    uint8_t length;
    uint8_t code[8];
};

// clang-format off
constexpr Instruction instructions[] = {
    {1, {0xfa}}, {1, {0xfb}}, {1, {0xf4}}, {1, {0x9d}},                      // cli sti hlt popf
    {2, {0x0f, 0x06}}, {3, {0x0f, 0x01, 0xf0}}, {3, {0x0f, 0x22, 0xd0}},     // clts lmsw cr2
    {4, {0x44, 0x0f, 0x22, 0xc0}}, {3, {0x0f, 0x20, 0xc0}}, {3, {0x0f, 0x20, 0xe0}},  // cr8, reads
    {3, {0x0f, 0x23, 0xc0}}, {3, {0x0f, 0x21, 0xf0}}, {3, {0x0f, 0x21, 0xf8}},  // dr0, read dr6 dr7
    {3, {0x0f, 0x01, 0x38}}, {2, {0x0f, 0x08}}, {2, {0x0f, 0x09}},           // invlpg invd wbinvd
    {2, {0x0f, 0x32}}, {2, {0x0f, 0x33}}, {2, {0x0f, 0xa2}},                 // rdmsr rdpmc cpuid
    {1, {0xec}}, {1, {0xed}}, {1, {0xee}}, {1, {0xef}}, {2, {0xf3, 0x6c}}, {2, {0xf3, 0x6e}},  // I/O
    {3, {0x0f, 0x01, 0xc8}}, {3, {0x0f, 0x01, 0xc9}}, {3, {0x0f, 0x01, 0xd0}},  // monitor mwait xgetbv
    {3, {0x0f, 0x01, 0xd1}}, {3, {0x0f, 0x01, 0xd8}}, {3, {0x0f, 0x01, 0xda}},  // xsetbv vmrun vmload
    {3, {0x0f, 0x01, 0xdb}}, {3, {0x0f, 0x01, 0xdc}}, {3, {0x0f, 0x01, 0xdd}},  // vmsave stgi clgi
    {3, {0x0f, 0x01, 0xde}}, {3, {0x0f, 0x01, 0xdf}}, {3, {0x0f, 0x01, 0xc1}},  // skinit invlpga vmcall
    {3, {0x0f, 0x01, 0xd9}}, {3, {0x0f, 0x01, 0xf9}}, {2, {0x0f, 0xaa}},     // vmmcall rdtscp rsm
    {3, {0x0f, 0x01, 0x10}}, {3, {0x0f, 0x01, 0x18}}, {3, {0x0f, 0x00, 0xd0}},  // lgdt lidt lldt
    {3, {0x0f, 0x00, 0xd8}}, {3, {0x0f, 0x01, 0x00}}, {3, {0x0f, 0x01, 0x08}},  // ltr sgdt sidt
    {1, {0xcc}}, {1, {0xf1}}, {2, {0xcd, 0x20}}, {2, {0xcd, 0x0d}}, {2, {0xcd, 0x1f}},  // int
    {2, {0x0f, 0x34}}, {2, {0x0f, 0x35}}, {3, {0x48, 0x0f, 0x07}},           // sysenter sysexit sysret
    {2, {0x8e, 0xd8}}, {2, {0x8e, 0xd0}}, {2, {0x8e, 0xe8}},                 // ds ss gs
    {7, {0x0f, 0x0b, 0x78, 0x65, 0x6e, 0x0f, 0xa2}},                         // CPUID as Xen has it
    {7, {0x0f, 0x0b, 0x78, 0x65, 0x6e, 0x0f, 0x32}},                         // and what is not
    {5, {0xf3, 0x48, 0x0f, 0xae, 0xd8}}, {3, {0x0f, 0xae, 0x08}}, {3, {0x0f, 0xae, 0x28}},  // wrgsbase fxrstor xrstor
};
// The end, as a rule: control and debug registers, iret, swapgs, lret.
constexpr Instruction deadly[] = {
    {3, {0x0f, 0x22, 0xc0}}, {3, {0x0f, 0x22, 0xd8}}, {3, {0x0f, 0x22, 0xe0}},
    {2, {0x48, 0xcf}}, {2, {0x48, 0xcb}}, {3, {0x0f, 0x01, 0xf8}}, {3, {0x0f, 0x23, 0xf8}}, {3, {0x0f, 0x23, 0xf0}},
};
// clang-format on

constexpr uint32_t msrs[] = {0x1b,       0x8b,       0xfe,       0x179,      0x17a,      0x1d9,
                             0x200,      0x250,      0x277,      0x2ff,      0x400,      0x48,
                             0x49,       0x808,      0x80b,      0x80f,      0x830,      0x832,
                             0x838,      0x6e0,      0xda0,      0x40000000, 0x4b564d00, 0xc0000100,
                             0xc0000101, 0xc0000102, 0xc0000103, 0xc0010010, 0xc0010015, 0xc0010111,
                             0xc0010112, 0xc0010114, 0xc0010117, 0xc0010130, 0xc0011020};
constexpr uint32_t deadly_msrs[] = {0x174,      0x175,      0x176,      0x10,      0xc0000080,
                                    0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084};

// Puts the code into its page; nothing follows it but what faults.
uint64_t place(const Fuzzer& f, std::span<const uint8_t> code) {
    const uint64_t at = code_virt + f.vcpu * page_bytes;
    // SAFETY: the page is mapped by start_processor, or faults.
    auto* to = reinterpret_cast<uint8_t*>(at);
    for (uint64_t n = 0; n < 64; ++n) {
        to[n] = ud2[n % 2];
    }
    std::copy(code.begin(), code.end(), to);
    // An even length keeps the pairs of what follows.
    if (code.size() % 2 != 0) {
        to[code.size()] = 0x90;
    }
    return at;
}

// Does not come back but by a fault: the code may spoil every register.
void run_code(Fuzzer& f, std::span<const uint8_t> code, uint64_t rax, uint64_t rcx, uint64_t rdx) {
    const uint64_t at = place(f, code);
    const uint64_t rsi = pointer(f);
    // SAFETY: pv_try has what the compiler relies on.
    asm volatile(
        "call *%0\n"
        "ud2\n"
        :
        : "r"(at), "a"(rax), "c"(rcx), "d"(rdx), "S"(rsi)
        : "memory");
}

void write_msr(Fuzzer& f) {
    Random& r = f.random;
    constexpr uint8_t wrmsr[] = {0x0f, 0x30};
    uint64_t number = r.one_in(8) ? r.number() : r.of(msrs);
    if (f.dares()) {
        number = r.of(deadly_msrs);
    }
    const uint64_t value = r.one_in(2) ? r.number() : pointer(f);
    run_code(f, wrmsr, value, number, value >> 32);
}

// QEMU 10.0 takes MOV to segment registers 6 and 7, which do not exist, for one to LDTR and TR,
// even of user space, and ends when the next exception finds no TSS: no such move is made.
std::array<uint8_t, 16> random_bytes(Random& random) {
    constexpr uint8_t mov_to_segment = 0x8e, to_2_or_3 = 0x20;
    std::array<uint8_t, 16> code{};
    uint8_t before = 0;
    for (uint8_t& byte : code) {
        byte = static_cast<uint8_t>(random.next());
        if (before == mov_to_segment && (byte >> 3 & 7) >= 6) {
            byte ^= to_2_or_3;
        }
        before = byte;
    }
    return code;
}

void random_code(Fuzzer& f) {
    const std::array<uint8_t, 16> code = random_bytes(f.random);
    run_code(f, code, pointer(f), f.random.number(), f.random.number());
}

}  // namespace

void start_processor() {
    start_user();
    for (uint64_t vcpu = 0; vcpu < PV_VCPUS; ++vcpu) {
        const uint64_t mfn = mfn_of(take_page());
        const uint64_t at = code_virt + vcpu * page_bytes;
        map_page(at, mfn * page_bytes | pte::kernel);
        map_page(at + user_code_offset, mfn * page_bytes | pte::user);
    }
}

void one_instruction(Fuzzer& f) {
    Random& r = f.random;
    switch (r.below(4)) {
        case 0:
            write_msr(f);
            return;
        case 1:
            if (f.dares()) {
                random_code(f);
                return;
            }
            [[fallthrough]];
        default: {
            const Instruction& i = f.dares() ? r.of(deadly) : r.of(instructions);
            const uint64_t rcx = r.one_in(3) ? r.of(msrs) : r.number();
            run_code(f, std::span{i.code}.first(i.length), pointer(f), rcx, r.number());
        }
    }
}

void one_user_program(Fuzzer& f) {
    Random& r = f.random;
    static const char* const programs[] = {user_syscall, user_int80,    user_vmmcall, user_sysenter,
                                           user_cpuid,   user_load,     user_store,   user_jump,
                                           user_load_ds, user_rdmsr,    user_swapgs,  user_far_call,
                                           user32_int80, user32_syscall};
    // Into a gate of a GDT that has changed since it was looked at, that is.
    UserState state = user_state(f.dares() ? user_far_call : r.of(programs));
    const bool is_random_code = r.one_in(4);
    if (is_random_code) {
        const std::array<uint8_t, 16> code = random_bytes(r);
        state.rip = place(f, code) + user_code_offset;
    }
    state.cs = r.one_in(4) ? uint64_t{0xe023} : state.cs;
    state.rax = r.one_in(2) ? r.below(56) : r.number();
    for (uint64_t* value : {&state.rdi, &state.rsi, &state.rdx, &state.r10, &state.rcx}) {
        *value = pointer(f);
    }
    // A frame of garbage; with a selector of privilege 0 it would be the kernel's own end.
    if (r.one_in(4)) {
        state.cs = r.next() | (f.dares() ? 0 : 3);
        state.ss = r.one_in(2) ? r.next() : state.ss;
        state.rip = r.one_in(2) ? pointer(f) : state.rip;
        state.rsp = r.one_in(2) ? pointer(f) : state.rsp;
        state.rflags = r.number() | (f.dares() ? 0 : 0x200);
    }
    run_user(state);
}

}  // namespace fuzz
