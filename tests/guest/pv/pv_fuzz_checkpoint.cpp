// SPDX-License-Identifier: Apache-2.0
// What the kernel needs to go on after operations that spoiled it: its page tables, its ways in,
// the processor's registers, and the hypervisor's pages in this container, which a kernel at CPL 0
// can write by a mapping of its own.
#include "hv/abi/pv_layout.hpp"
#include "hv/abi/xen_pv.hpp"
#include "tests/guest/pv/pv_fuzz.hpp"
#include "tests/guest/pv/rt/second.hpp"

#include <algorithm>

namespace fuzz {

namespace {

using namespace pv;
using hv::abi::Hypercall;

constexpr uint64_t ram_window = 0xffff828000000000;  // where the stub has all RAM
constexpr uint64_t area_alias = 0x50000000000;
constexpr uint64_t most_tables = 32;
constexpr uint64_t most_area_pages = 32;
constexpr uint64_t words_of_page = page_bytes / 8;

using Page = std::array<uint64_t, words_of_page>;
struct Table {
    uint64_t mfn = 0;
    Page entries{};
};
constinit std::array<Table, most_tables> tables{};
constinit uint64_t table_count = 0;
constinit std::array<Page, most_area_pages> area{};
constinit uint64_t area_pages = 0;
constinit bool is_area_spoiled = false;
constinit std::array<hv::abi::TrapInfo, 257> traps{};

struct ControlRegisters {
    uint64_t cr0 = 0;
    uint64_t cr4 = 0;
};
constinit ControlRegisters control{};

void copy_table(uint64_t mfn) {
    if (table_count == most_tables) {
        fail("more page tables than expected");
    }
    Table& table = tables[table_count++];
    table.mfn = mfn;
    for (uint64_t n = 0; n < words_of_page; ++n) {
        table.entries[n] = word(virt_of(pfn_of(mfn)) + n * 8);
    }
}

void copy_tables(uint64_t mfn, unsigned level) {
    const uint64_t own = table_count;
    copy_table(mfn);
    for (uint64_t n = 0; level > 1 && n < words_of_page; ++n) {
        const bool is_hypervisors =
            level == 4 && n - hv::abi::pv_first_l4_slot < hv::abi::pv_l4_slots;
        const uint64_t value = tables[own].entries[n];
        if (!is_hypervisors && (value & pte::P) != 0 && (value & pte::PS) == 0) {
            copy_tables((value & pte::address) / page_bytes, level - 1);
        }
    }
}

void copy_area() {
    map_page(area_alias, hv::abi::pv_area_gfn * page_bytes | pte::kernel);
    for (uint64_t n = 0; n < most_area_pages; ++n) {
        const uint64_t at = area_alias + n * page_bytes;
        if (update_va_mapping(at, (hv::abi::pv_area_gfn + n) * page_bytes | pte::kernel) != 0) {
            break;
        }
        ++area_pages;
        for (uint64_t k = 0; k < words_of_page; ++k) {
            area[n][k] = word(at + k * 8);
        }
    }
}

void restore_area() {
    for (uint64_t n = 0; n < area_pages; ++n) {
        for (uint64_t k = 0; k < words_of_page; ++k) {
            volatile uint64_t& at = word(area_alias + n * page_bytes + k * 8);
            if (at != area[n][k]) {
                at = area[n][k];
            }
        }
    }
}

void restore_registers() {
    uint64_t cr0 = 0;
    uint64_t cr4 = 0;
    // SAFETY: what was there at the checkpoint.
    asm volatile(
        "mov %%cr0, %0\n"
        "mov %%cr4, %1\n"
        : "=&r"(cr0), "=&r"(cr4));
    if (cr0 != control.cr0) {
        asm volatile("mov %0, %%cr0" : : "r"(control.cr0) : "memory");
    }
    if (cr4 != control.cr4) {
        asm volatile("mov %0, %%cr4" : : "r"(control.cr4) : "memory");
    }
    asm volatile("mov %0, %%cr3" : : "r"(root_mfn() * page_bytes) : "memory");
    // SAFETY: null selectors, and breakpoints that are off.
    asm volatile(
        "mov %0, %%dr7\n"
        "mov %k1, %%ds\n"
        "mov %k1, %%es\n"
        "mov %k1, %%fs\n"
        "mov %k1, %%gs\n"
        :
        : "r"(uint64_t{0x400}), "r"(uint64_t{0}));
}

void restore_tables() {
    constexpr uint64_t set_by_use = pte::A | pte::D;
    for (uint64_t n = 0; n < table_count; ++n) {
        const Table& table = tables[n];
        for (uint64_t k = 0; k < words_of_page; ++k) {
            const bool is_hypervisors =
                n == 0 && k - hv::abi::pv_first_l4_slot < hv::abi::pv_l4_slots;
            volatile uint64_t& at = word(ram_window + table.mfn * page_bytes + k * 8);
            if (!is_hypervisors && ((at ^ table.entries[k]) & ~set_by_use) != 0) {
                at = table.entries[k];
            }
        }
    }
}

uint64_t address_of(const uint8_t* symbol) {
    return to_argument(symbol);
}

}  // namespace

void restore_entries(const Fuzzer& f) {
    using Type = hv::abi::CallbackType;
    const auto callback = [](Type type, const uint8_t* entry, uint16_t flags) {
        set_callback(static_cast<uint16_t>(type), address_of(entry), flags);
    };
    hypercall(Hypercall::set_trap_table, traps.data());
    callback(Type::CALLBACKTYPE_event, pv_event_entry, 0);
    callback(Type::CALLBACKTYPE_failsafe, pv_failsafe_entry, 1);
    callback(Type::CALLBACKTYPE_syscall, pv_syscall_entry, 1);
    callback(Type::CALLBACKTYPE_syscall32, pv_syscall32_entry, 1);
    callback(Type::CALLBACKTYPE_nmi, pv_nmi_entry, 0);
    hypercall(Hypercall::stack_switch, 0xe02b, trap_stack_top(f.vcpu));
    hypercall(Hypercall::set_gdt, uint64_t{0}, uint64_t{0});
    mmuext(static_cast<uint32_t>(hv::abi::MmuextCmd::MMUEXT_SET_LDT));
    mmuext(static_cast<uint32_t>(hv::abi::MmuextCmd::MMUEXT_NEW_BASEPTR), root_mfn());
    hypercall(Hypercall::fpu_taskswitch, 0);
}

void take_checkpoint() {
    for (unsigned vector = 0; vector < 256; ++vector) {
        const bool is_for_users = vector == 3 || vector == 4 || vector == 0x80;
        traps[vector] = {.vector = static_cast<uint8_t>(vector),
                         .flags = uint8_t{is_for_users ? uint8_t{3} : uint8_t{0}},
                         .cs = 0xe033,
                         .address = trap_entry(vector)};
    }
    asm volatile(
        "mov %%cr0, %0\n"
        "mov %%cr4, %1\n"
        : "=&r"(control.cr0), "=&r"(control.cr4));
    copy_area();
    copy_tables(root_mfn(), 4);
}

void go_back(Fuzzer& f) {
    restore_registers();
    if (f.vcpu == 0) {
        restore_tables();
        if (is_area_spoiled) {
            is_area_spoiled = false;
            restore_area();
        }
    }
    restore_registers();  // CR3 again: the tables have changed
    restore_entries(f);
    vcpu_info(f.vcpu).evtchn_upcall_mask = 0;
}

void one_overwrite(Fuzzer& f) {
    Random& r = f.random;
    is_area_spoiled = true;
    for (uint64_t n = 1 + r.below(4); n > 0; --n) {
        const uint64_t page = area_alias + r.below(area_pages) * page_bytes;
        volatile uint64_t& at = word(page + (r.one_in(2) ? r.below(32) : r.below(512)) * 8);
        switch (r.below(4)) {
            case 0:
                at = at ^ uint64_t { 1 } << r.below(64);
                break;
            case 1:
                at = pointer(f);
                break;
            case 2:
                at = entry(f);
                break;
            default:
                at = r.number();
        }
    }
}

}  // namespace fuzz
