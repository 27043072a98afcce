// SPDX-License-Identifier: Apache-2.0
#include "tests/guest/pv_spike/world.hpp"

#include "domb/rt/instructions.hpp"
#include "hv/base/address.hpp"

#include <array>

extern "C" {
extern uint64_t rt_pml4[512], rt_image_tables[2 * 512];
}

namespace spike {
namespace {

using PageTable = std::array<uint64_t, 512>;

constexpr uint64_t present = 1;
constexpr uint64_t writable = 2;
constexpr uint64_t user = 4;
constexpr uint64_t no_execute = uint64_t{1} << 63;
constexpr uint64_t table_flags = present | writable | user;
constexpr size_t image_pages = 1024;  // rt.ld
constexpr unsigned stub_slot = 260;
constexpr uint16_t tss_selector = 0xe040;
constexpr uint16_t gdt_offset = 0xe000;
constexpr size_t gdt_entries = 14;
constexpr size_t vectors = 32;
constexpr size_t page_fault = 14;

// One address space: the image's 4 MiB, and the stub.
struct Space {
    PageTable l4, l3, l2;
    std::array<uint64_t, image_pages> l1;
};
alignas(hv::page_size) constinit std::array<Space, 3> spaces{};

struct Stub {
    PageTable l3, l2, l1;
};
alignas(hv::page_size) constinit Stub stub{};

bool is_in(uint64_t at, const void* from, const void* to) {
    return at >= number(from) && at < number(to);
}

uint64_t image_entry(Table table, uint64_t at, uint64_t flags) {
    const bool is_user = is_in(at, spike_user_code, spike_user_code_end) ||
                         is_in(at, spike_user_probes, spike_user_probes_end) ||
                         is_in(at, spike_user_stack, spike_missing);
    if (at == number(spike_missing) || flags == 0) {
        return 0;
    }
    switch (table) {
        case Table::KernelAtCpl3:
            return flags | user;
        case Table::UserOfCpl3:
            return is_user ? flags | user : 0;
        case Table::Shared:
            return is_user ? flags | user : flags;
    }
    return 0;
}

void build_space(Table table) {
    Space& space = spaces[static_cast<size_t>(table)];
    for (size_t i = 0; i < image_pages; ++i) {
        space.l1[i] = image_entry(table, i * hv::page_size, rt_image_tables[i]);
    }
    space.l2[0] = number(space.l1.data()) | table_flags;
    space.l2[1] = number(space.l1.data() + 512) | table_flags;
    space.l3[0] = number(space.l2.data()) | table_flags;
    space.l4[0] = number(space.l3.data()) | table_flags;
    space.l4[stub_slot] = number(stub.l3.data()) | table_flags;
}

void build_stub() {
    size_t i = 0;
    for (uint64_t at = number(spike_stub); at < number(spike_stub_end); at += hv::page_size, ++i) {
        stub.l1[i] = at | present | (at < number(spike_stub_data) ? 0 : writable | no_execute);
    }
    stub.l2[0] = number(stub.l1.data()) | table_flags;
    stub.l3[0] = number(stub.l2.data()) | table_flags;
}

void set_gate(size_t vector, uint64_t target, uint64_t ist) {  // [apm2] 4.8.4
    spike_idt[2 * vector] = (target & 0xffff) | uint64_t{hv_cs} << 16 | ist << 32 |
                            uint64_t{0x8e00} << 32 | (target >> 16 & 0xffff) << 48;
    spike_idt[2 * vector + 1] = target >> 32;
}

// SAFETY of the TSS: rsp0 is at offset 4, ist1 at 36; both are 8 bytes that need not be aligned.
void set_tss(size_t offset, uint64_t value) {
    __builtin_memcpy(reinterpret_cast<std::byte*>(spike_tss) + offset, &value, sizeof(value));
}

void load_descriptor_tables() {
    const uint64_t tss = in_stub(spike_tss);
    spike_tss_descriptor[0] =
        0x67 | (tss & 0xffffff) << 16 | uint64_t{0x89} << 40 | (tss >> 24 & 0xff) << 56;
    spike_tss_descriptor[1] = tss >> 32;
    set_tss(36, in_stub(spike_trap_stack_top));
    set_tss(96, uint64_t{0x68} << 48);  // no permission map: ports need IOPL
    const uint64_t target = in_stub(spike_gate_target);
    spike_call_gate[0] = (target & 0xffff) | uint64_t{hv_cs} << 16 | uint64_t{0xec} << 40 |
                         (target >> 16 & 0xffff) << 48;
    spike_call_gate[1] = target >> 32;
    for (size_t i = 0; i < vectors; ++i) {
        set_gate(i, in_stub(spike_vectors) + i * 16, 1);
    }
    rt::load_idt({.limit = vectors * 16 - 1, .base = in_stub(spike_idt)});
    const rt::TablePointer gdt{.limit = gdt_offset + gdt_entries * 8 - 1,
                               .base = in_stub(spike_gdt) - gdt_offset};
    // SAFETY: the table is static, mapped in every space, and has the selectors that are loaded.
    asm volatile(
        "lgdt %0\n\t"
        "mov %w1, %%ss\n\t"
        "pushq %q2\n\t"
        "pushq $1f\n\t"
        "lretq\n"
        "1:"
        :
        : "m"(gdt), "r"(hv_ss), "r"(uint64_t{hv_cs})
        : "memory");
    rt::load_task_register(tss_selector);
}

void write_msr(uint32_t msr, uint64_t value) {
    // SAFETY: the callers' registers concern SYSCALL only.
    asm volatile("wrmsr"
                 :
                 : "c"(msr), "a"(static_cast<uint32_t>(value)),
                   "d"(static_cast<uint32_t>(value >> 32)));
}

uint64_t read_msr(uint32_t msr) {
    uint32_t low = 0;
    uint32_t high = 0;
    // SAFETY: reads a register only.
    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return uint64_t{high} << 32 | low;
}

// The variants run with interrupts on; on a bare machine the firmware has left a timer running.
void mask_legacy_interrupts() {
    // SAFETY: both mask registers of the PIC; in a domain there is none, and nothing happens.
    asm volatile("outb %0, $0x21\n\toutb %0, $0xa1" : : "a"(uint8_t{0xff}));
}

}  // namespace

uint64_t in_stub(const void* symbol) {
    return stub_base + (number(symbol) - number(spike_stub));
}

uint64_t cr3_of(Table table) {
    return number(&spaces[static_cast<size_t>(table)].l4);
}

uint64_t* missing_entry(Table table) {
    return &spaces[static_cast<size_t>(table)].l1[number(spike_missing) / hv::page_size];
}

uint64_t missing_value() {
    return number(spike_missing) | present | writable | user | no_execute;
}

void build() {
    constexpr uint32_t efer = 0xc0000080;
    constexpr uint32_t star = 0xc0000081;
    build_stub();
    for (const Table table : {Table::KernelAtCpl3, Table::UserOfCpl3, Table::Shared}) {
        build_space(table);
    }
    rt_pml4[stub_slot] = number(stub.l3.data()) | table_flags;
    mask_legacy_interrupts();
    load_descriptor_tables();
    write_msr(efer, read_msr(efer) | 1);
    write_msr(star, uint64_t{0xe023} << 48 | uint64_t{hv_cs} << 32);
    spike_home_cr3 = rt::read_cr3();
    spike_kernel_sp = number(spike_kernel_stack) + hv::page_size;
    spike_vcpu_info = number(spike_kernel_vcpu_info);
}

void set_fault_handler(uint64_t handler, uint64_t stack) {
    if (handler == 0) {
        set_gate(page_fault, in_stub(spike_vectors) + page_fault * 16, 1);
    } else {
        set_gate(page_fault, handler, 0);
    }
    set_tss(4, stack);
}

void set_syscall(uint64_t handler, bool masks_interrupts) {
    constexpr uint64_t flags = 0x47700;  // TF, DF, IOPL, NT, AC and, of 0x200, IF
    write_msr(0xc0000082, handler);
    write_msr(0xc0000084, masks_interrupts ? flags | 0x200 : flags & ~uint64_t{0x200});
}

void forget_mode() {
    spike_in_kernel = 0;
    // SAFETY: static memory of kernel.S: pending and mask, both 0.
    *reinterpret_cast<volatile uint16_t*>(spike_kernel_vcpu_info) = 0;
}

uint64_t enter(const Entry& entry) {
    // SAFETY: the stub's template holds this function, mapped there by build().
    return reinterpret_cast<uint64_t (*)(const Entry*)>(in_stub(spike_enter))(&entry);
}

Seen seen() {
    return {spike_seen_vector, spike_seen_error, spike_seen_cr2, spike_seen_rip};
}

Entry user_at(uint64_t rip, Table table) {
    return {.rip = rip,
            .cs = flat_cs,
            .rflags = rflags_if,
            .rsp = number(spike_user_stack) + hv::page_size,
            .ss = flat_ss,
            .cr3 = cr3_of(table),
            .rbx = 0,
            .rsi = number(spike_missing)};
}

Entry kernel_at(uint64_t rip, Table table) {
    const bool at_cpl3 = table == Table::KernelAtCpl3;
    Entry entry = user_at(rip, table);
    entry.cs = at_cpl3 ? flat_cs : hv_cs;
    entry.ss = at_cpl3 ? flat_ss : hv_ss;
    entry.rsp = spike_kernel_sp;
    return entry;
}

}  // namespace spike
