// SPDX-License-Identifier: Apache-2.0
// The spike of the PV design: a PV kernel at CPL 3 (A) and at CPL 0 beside the stub (B), and B with
// an exit in each direction (C), each to a null system call and a page fault, inside one container.
// It needs nothing of hv but the container, so it also runs on a bare machine, without C.
//     time NAME TICKS      hundredths of a TSC tick for one round trip, best of several rounds
//     probe WHAT | A | B   what the kernel sees; tests/bench/pv_spike.py makes tables of both
// Options: loops=N round trips at a time, runs=N rounds.
#include "domb/rt/hypercall.hpp"
#include "domb/rt/instructions.hpp"
#include "hv/abi/xen_version.hpp"
#include "tests/guest/harness/guest.hpp"
#include "tests/guest/pv_spike/world.hpp"

#include <algorithm>
#include <iterator>
#include <string_view>

extern "C" {
extern std::byte spike_bare_syscall[], spike_bare_cr3_syscall[], spike_native_syscall[];
extern std::byte spike_bare_fault[];
extern std::byte spike_a_syscall[], spike_a_fault[];
extern std::byte spike_b_syscall[], spike_b_open_syscall[], spike_b_fault[];
extern std::byte spike_c_syscall[], spike_c_fault[];
extern std::byte spike_b_iret_open[], spike_b_iret_page[], spike_c_iret_page[];
extern std::byte spike_kernel_syscall[], spike_kernel_fault[];
extern std::byte spike_kernel_syscall_full[], spike_kernel_syscall_page[];
extern std::byte spike_kernel_syscall_page_full[], spike_kernel_fault_page[];
extern std::byte spike_user_syscalls[], spike_user_faults[], spike_user_registers[],
    spike_kernel_faults[];
}

namespace {

using namespace spike;

struct Variant {
    std::string_view name;
    Table kernel;
    Table user;
    std::byte* stub_syscall;
    std::byte* stub_fault = nullptr;
    std::byte* kernel_syscall = nullptr;  // nullptr: a yardstick, the stub answers
    std::byte* kernel_fault = nullptr;
    std::byte* page_iret = nullptr;
    bool masks_interrupts = true;
    bool fault_on_kernel_stack = false;
    bool needs_hypervisor = false;
    bool is_slow = false;  // writes CR3, or exits: a twentieth of the round trips will do
};

// clang-format off
constexpr Table cpl3 = Table::KernelAtCpl3, cpl3_user = Table::UserOfCpl3, shared = Table::Shared;
constexpr Variant variants[] = {
    {.name = "bare", .kernel = shared, .user = shared,
     .stub_syscall = spike_bare_syscall, .stub_fault = spike_bare_fault},
    {.name = "bare_cr3", .kernel = cpl3, .user = cpl3_user,
     .stub_syscall = spike_bare_cr3_syscall, .is_slow = true},
    {.name = "native", .kernel = shared, .user = shared, .stub_syscall = spike_native_syscall},
    {.name = "a_sysret", .kernel = cpl3, .user = cpl3_user,
     .stub_syscall = spike_a_syscall, .stub_fault = spike_a_fault,
     .kernel_syscall = spike_kernel_syscall, .kernel_fault = spike_kernel_fault, .is_slow = true},
    {.name = "a_iretq", .kernel = cpl3, .user = cpl3_user,
     .stub_syscall = spike_a_syscall, .kernel_syscall = spike_kernel_syscall_full, .is_slow = true},
    {.name = "b_sysret", .kernel = shared, .user = shared,
     .stub_syscall = spike_b_syscall, .stub_fault = spike_b_fault,
     .kernel_syscall = spike_kernel_syscall, .kernel_fault = spike_kernel_fault,
     .fault_on_kernel_stack = true},
    {.name = "b_iretq", .kernel = shared, .user = shared,
     .stub_syscall = spike_b_syscall, .kernel_syscall = spike_kernel_syscall_full},
    {.name = "b_page", .kernel = shared, .user = shared,
     .stub_syscall = spike_b_syscall, .stub_fault = spike_b_fault,
     .kernel_syscall = spike_kernel_syscall_page, .kernel_fault = spike_kernel_fault_page,
     .page_iret = spike_b_iret_page, .fault_on_kernel_stack = true},
    {.name = "b_page_iretq", .kernel = shared, .user = shared,
     .stub_syscall = spike_b_syscall, .kernel_syscall = spike_kernel_syscall_page_full,
     .page_iret = spike_b_iret_page},
    {.name = "b_page_open", .kernel = shared, .user = shared,
     .stub_syscall = spike_b_open_syscall, .kernel_syscall = spike_kernel_syscall_page,
     .page_iret = spike_b_iret_open, .masks_interrupts = false},
    {.name = "c_page", .kernel = shared, .user = shared,
     .stub_syscall = spike_c_syscall, .stub_fault = spike_c_fault,
     .kernel_syscall = spike_kernel_syscall_page, .kernel_fault = spike_kernel_fault_page,
     .page_iret = spike_c_iret_page, .fault_on_kernel_stack = true, .needs_hypervisor = true,
     .is_slow = true},
};
// clang-format on

bool has_hypervisor() {
    return rt::cpuid(0x40000000).ebx == 0x566e6558;  // "XenV"
}

void prepare(const Variant& v) {
    forget_mode();
    spike_user_cr3 = cr3_of(v.user);
    spike_kernel_cr3 = cr3_of(v.kernel);
    spike_to_kernel_syscall = number(v.kernel_syscall);
    spike_to_kernel_fault = number(v.kernel_fault);
    spike_hypercall_page_iret = v.page_iret == nullptr ? 0 : in_stub(v.page_iret);
    set_syscall(in_stub(v.stub_syscall), v.masks_interrupts);
    set_fault_handler(v.stub_fault == nullptr ? 0 : in_stub(v.stub_fault),
                      v.fault_on_kernel_stack ? spike_kernel_sp : in_stub(spike_stack_top));
    spike_kernel_calls = 0;
}

[[noreturn]] void fail(const Variant& v, std::string_view what, uint64_t value) {
    hv::TextOf<160> text;
    text.put(v.name).put(": ").put(what);
    if (value == unexpected) {
        const Seen s = seen();
        text.put(": exception ").dec(s.vector).put(" error ").hex(s.error).put(" at ").hex(s.rip);
        text.put(" cr2 ").hex(s.cr2);
        value = s.vector;
    }
    guest::fail(text.view(), value);
}

// What the program is, and from where it faults.
struct Program {
    std::string_view what;
    const std::byte* code;
    bool is_kernel = false;
    uint64_t error = ~uint64_t{0};  // of its page faults
};
constexpr Program system_calls{"syscall", spike_user_syscalls};
constexpr Program faults{"fault", spike_user_faults, false, 4};
constexpr Program kernel_faults{"kfault", spike_kernel_faults, true, 0};

// The kernel has seen Xen's frame: its selectors, RPL 0 for the kernel, a user bit for the user
// only.
void check_frame(const Variant& v, const Program& program) {
    if (v.kernel_syscall == nullptr || program.error == ~uint64_t{0}) {
        return;
    }
    const uint64_t cs = program.is_kernel ? flat_cs & ~3 : flat_cs;
    if (spike_frame_cs != cs || spike_frame_ss != flat_ss) {
        fail(v, "the frame's CS, SS are not Xen's", spike_frame_cs << 16 | spike_frame_ss);
    }
    if (spike_frame_error != program.error) {
        fail(v, "the frame's error code is wrong", spike_frame_error);
    }
}

// Ticks that `loops` round trips take, in hundredths for each.
uint64_t time_once(const Variant& v, const Program& program, uint64_t loops) {
    prepare(v);
    Entry entry = program.is_kernel ? kernel_at(number(program.code), v.kernel)
                                    : user_at(number(program.code), v.user);
    spike_in_kernel = program.is_kernel ? 1 : 0;
    entry.rbx = loops;
    const uint64_t start = rt::read_tsc();
    const uint64_t result = enter(entry);
    const uint64_t ticks = rt::read_tsc() - start;
    if (result != 0) {
        fail(v, program.what, result);
    }
    if (v.kernel_syscall != nullptr && spike_kernel_calls != loops) {
        fail(v, "the kernel was not called each time", spike_kernel_calls);
    }
    check_frame(v, program);
    return ticks * 100 / loops;
}

void say(std::string_view what, std::string_view name, uint64_t ticks) {
    hv::TextOf<80> line;
    guest::print(
        line.put("time ").put(what).put('.').put(name).put(' ').dec(ticks).put('\n').view());
}

struct Effort {
    uint64_t loops;
    uint64_t runs;
};

void check_registers(const Variant& v) {
    if (v.kernel_syscall == nullptr || v.stub_fault == nullptr) {
        return;
    }
    prepare(v);
    // SAFETY: static memory of kernel.S, written while the home page table maps it.
    *reinterpret_cast<volatile char*>(spike_missing) = 0x77;
    spike_missing_entry = number(missing_entry(v.user));
    spike_missing_value = missing_value();
    const uint64_t result = enter(user_at(number(spike_user_registers), v.user));
    if (result != 0) {
        fail(v, "registers are lost", result);
    }
    // SAFETY: the stub of variants A to C stores the fault's address there.
    if (*reinterpret_cast<const uint64_t*>(spike_kernel_vcpu_info + 16) != number(spike_missing)) {
        fail(v, "vcpu_info has no CR2", 0);
    }
    *missing_entry(v.user) = 0;
}

constexpr Program programs[] = {system_calls, faults, kernel_faults};

bool runs(const Variant& v, const Program& program) {
    return (!v.needs_hypervisor || has_hypervisor()) &&
           (program.code == spike_user_syscalls || v.stub_fault != nullptr) &&
           !(program.is_kernel && v.needs_hypervisor);  // C has no exits on that way
}

// One variant after the other in each round, so that a host whose speed changes changes them all.
void measure_variants(Effort effort) {
    static constinit uint64_t best[std::size(variants)][std::size(programs)];
    for (uint64_t round = 0; round < effort.runs; ++round) {
        for (size_t v = 0; v < std::size(variants); ++v) {
            for (size_t p = 0; p < std::size(programs); ++p) {
                if (runs(variants[v], programs[p])) {
                    const uint64_t loops = effort.loops / (variants[v].is_slow ? 20 : 1);
                    const uint64_t ticks = time_once(variants[v], programs[p], loops);
                    best[v][p] = round == 0 ? ticks : std::min(best[v][p], ticks);
                }
            }
        }
    }
    for (size_t v = 0; v < std::size(variants); ++v) {
        for (size_t p = 0; p < std::size(programs); ++p) {
            if (best[v][p] != 0) {
                say(programs[p].what, variants[v].name, best[v][p]);
            }
        }
    }
}

// What single instructions cost, at CPL 0 on the home page table.
template <class F>
void time_part(Effort effort, std::string_view name, F part) {
    uint64_t best = ~uint64_t{0};
    for (uint64_t round = 0; round < effort.runs; ++round) {
        const uint64_t start = rt::read_tsc();
        for (uint64_t i = 0; i < effort.loops; ++i) {
            part();
        }
        best = std::min(best, (rt::read_tsc() - start) * 100 / effort.loops);
    }
    say("part", name, best);
}

// SAFETY of all: no register keeps another value, and nothing waits for an interrupt.
void measure_parts(Effort effort) {
    time_part(effort, "nothing", [] { asm volatile(""); });
    time_part(effort, "swapgs_twice", [] { asm volatile("swapgs\n\tswapgs"); });
    time_part(effort, "sti_cli", [] { asm volatile("sti\n\tcli"); });
    time_part(effort, "pushf_popf", [] { asm volatile("pushfq\n\tpopfq" : : : "memory"); });
    time_part(effort, "read_cr2", [] { rt::read_cr2(); });
    time_part(effort, "write_cr3", [] { rt::reload_cr3(); });
    time_part(effort, "jump_through_memory", [] {
        static uint64_t target = 0;
        asm volatile("movq $1f, %0\n\tjmp *%0\n1:" : "=m"(target));
    });
    time_part(effort, "iretq_same_cpl", [] {
        asm volatile(
            "mov %%rsp, %%rax\n\tpush %0\n\tpush %%rax\n\tpushfq\n\tpush %1\n\tpush $1f\n\t"
            "iretq\n1:"
            :
            : "r"(uint64_t{hv_ss}), "r"(uint64_t{hv_cs})
            : "rax", "memory");
    });
    if (has_hypervisor()) {
        time_part(effort, "hypercall", [] {
            rt::hypercall(rt::Hypercall::xen_version, hv::abi::XenVersionOp::XENVER_version, 0);
        });
    }
}

}  // namespace

void guest::run(const rt::StartInfo& info) {
    const Effort effort{.loops = option(info, "loops", 400), .runs = option(info, "runs", 2)};
    build();
    if (has_hypervisor()) {
        say("clock", "khz", rt::cpuid(0x40000003).ecx);
    }
    measure_parts(effort);
    for (const Variant& v : variants) {
        if (!v.needs_hypervisor || has_hypervisor()) {
            check_registers(v);
        }
    }
    measure_variants(effort);
    run_probes(in_stub(spike_a_syscall), in_stub(spike_b_syscall), has_hypervisor());
}
