// SPDX-License-Identifier: Apache-2.0
#include "hv/x86/cpu_local.hpp"

#include "hv/x86/instructions.hpp"
#include "hv/x86/registers.hpp"
#include "hv/x86/selectors.hpp"
#include "hv/x86/traps.hpp"

namespace hv::x86 {

namespace {

struct [[gnu::packed]] TableDescriptor {  // operand of LGDT and LIDT, [apm2] 4.6.2
    uint16_t limit;
    uint64_t base;
};
static_assert(sizeof(TableDescriptor) == 10);

constexpr uint64_t code64 = 0x00209b0000000000;  // present, ring 0, long, accessed
constexpr uint64_t data = 0x0000930000000000;
constexpr uint64_t code32 = 0x00cf9b000000ffff;

void set_ist(Tss& tss, unsigned n, uint64_t top) {
    tss.ist[2 * (n - 1)] = static_cast<uint32_t>(top);
    tss.ist[2 * (n - 1) + 1] = static_cast<uint32_t>(top >> 32);
}

}  // namespace

void install(CpuLocal& local, uint64_t nmi_stack, uint64_t fault_stack) {
    local.self = &local;
    set_ist(local.tss, 1, nmi_stack);
    set_ist(local.tss, 2, fault_stack);
    local.tss.iopb = sizeof(Tss);

    const auto base = reinterpret_cast<uint64_t>(&local.tss);
    local.gdt = {0, code64, data, code32, 0, 0};
    local.gdt[SELECTOR_TSS / 8] = (sizeof(Tss) - 1) | (base & 0xffffff) << 16 |
                                  uint64_t{0x89} << 40 | ((base >> 24) & 0xff) << 56;
    local.gdt[SELECTOR_TSS / 8 + 1] = base >> 32;

    const TableDescriptor gdt{sizeof(local.gdt) - 1, reinterpret_cast<uint64_t>(local.gdt.data())};
    lgdt(&gdt);
    load_data_segments(SELECTOR_DATA);
    wrmsr(static_cast<uint32_t>(Msr::GS_BASE), reinterpret_cast<uint64_t>(&local));
    ltr(SELECTOR_TSS);
    const TableDescriptor idt{idt_bytes - 1, reinterpret_cast<uint64_t>(idt_table())};
    lidt(&idt);
}

CpuLocal& this_cpu() {
    CpuLocal* self = nullptr;
    // SAFETY: install() made GS point at this CPU's CpuLocal, whose first word is its own address.
    self = read_gs_self<CpuLocal>();
    return *self;
}

}  // namespace hv::x86
