// SPDX-License-Identifier: Apache-2.0
#include "domb/rt/traps.hpp"

#include "domb/rt/gate.hpp"
#include "domb/rt/instructions.hpp"
#include "domb/rt/platform.hpp"
#include "hv/base/text.hpp"

#include <array>
#include <cstddef>

extern "C" {
extern std::byte rt_trap_stubs[], rt_trap_stack_top[];
extern uint64_t rt_gdt[5];
[[noreturn]] void rt_trap(const rt::TrapFrame* frame);
}

namespace rt {
namespace {

constexpr size_t vector_count = 32;
constexpr size_t stub_bytes = 16;
constexpr uint16_t task_selector = 0x18;

struct [[gnu::packed]] Tss {  // [apm2] 12.2.5
    uint32_t rsvd_00;
    uint64_t rsp[3];
    uint64_t rsvd_1c;
    uint64_t ist[7];
    uint64_t rsvd_5c;
    uint16_t rsvd_64;
    uint16_t iopb;
};
static_assert(sizeof(Tss) == 0x68);

constinit std::array<Gate, vector_count> idt{};
constinit Tss tss{};

uint64_t number(const void* p) {
    // SAFETY: descriptor tables hold addresses as numbers.
    return reinterpret_cast<uint64_t>(p);
}

void print(const TrapFrame& f) {
    hv::TextOf<512> text;
    const auto put = [&](const char* name, uint64_t value) {
        text.put(name).put("=").hex(value, 16).put(' ');
    };
    text.put("exception ").dec(f.vector).put(" error ").hex(f.error).put("\n");
    put("rip", f.rip), put("rsp", f.rsp), put("rflags", f.rflags), put("cr2", read_cr2());
    text.put('\n');
    put("rax", f.rax), put("rbx", f.rbx), put("rcx", f.rcx), put("rdx", f.rdx);
    text.put('\n');
    put("rsi", f.rsi), put("rdi", f.rdi), put("rbp", f.rbp), put("r8", f.r8);
    text.put('\n');
    put("r9", f.r9), put("r10", f.r10), put("r11", f.r11), put("r12", f.r12);
    text.put('\n');
    put("r13", f.r13), put("r14", f.r14), put("r15", f.r15);
    text.put('\n');
    write(text.view());
}

}  // namespace

void start_traps() {
    for (size_t i = 0; i < vector_count; ++i) {
        idt[i] = interrupt_gate(number(rt_trap_stubs) + i * stub_bytes, 1);
    }
    tss.ist[0] = number(rt_trap_stack_top);
    tss.iopb = sizeof(Tss);

    const uint64_t base = number(&tss);
    rt_gdt[3] = (sizeof(Tss) - 1) | ((base & 0xffffff) << 16) | (uint64_t{0x89} << 40) |
                ((base >> 24 & 0xff) << 56);
    rt_gdt[4] = base >> 32;
    load_task_register(task_selector);
    load_idt({.limit = sizeof(idt) - 1, .base = number(idt.data())});
}

}  // namespace rt

void rt_trap(const rt::TrapFrame* frame) {
    rt::print(*frame);
    rt::shutdown(rt::ShutdownReason::SHUTDOWN_crash);
}
