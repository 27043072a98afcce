// SPDX-License-Identifier: Apache-2.0
#include "hv/hvm/msr.hpp"

#include <algorithm>

namespace hv::hvm {
namespace {

struct Efer {  // [apm2] 3.1.7
    static constexpr uint64_t lme = 1U << 8, lma = 1U << 10, svme = 1U << 12;
};

constexpr uint32_t tsc_msr = 0x10;
constexpr uint32_t pat_msr = 0x277;
constexpr uint32_t efer_msr = 0xc0000080;
constexpr uint32_t hypercall_page_msr = 0x40000000;  // [xen-pub] as CPUID leaf 40000002 says

// What writing a register does that holds a constant.
enum class Write : uint8_t {
    Fault,
    Ignore,
    SameValue,  // other values fault
};

struct Constant {
    uint32_t msr;
    uint64_t value;
    Write write;
};

// Registers without function here that kernels read, or write and expect to exist. What is absent
// faults: SPEC_CTRL and PRED_CMD (no such CPUID bits), performance counters, TSC_RATIO, machine
// check banks, TSC_ADJUST and TSC_DEADLINE, and all nobody knows.
constexpr Constant constants[] = {
    {0x8b, 0, Write::Ignore},               // PATCH_LEVEL
    {0xce, 0, Write::Fault},                // PLATFORM_INFO: no CPUID faulting
    {0x140, 0, Write::SameValue},           // MISC_FEATURES_ENABLES
    {0x179, 0, Write::Fault},               // MCG_CAP: no banks, no MCG_CTL
    {0x17a, 0, Write::SameValue},           // MCG_STATUS
    {0x1a0, 0x1801, Write::Ignore},         // MISC_ENABLE: fast strings; no BTS, no PEBS
    {0x1d9, 0, Write::SameValue},           // DEBUG_CTL: no last branch record
    {0xc0010010, 0, Write::Ignore},         // SYSCFG: no fixed-range extensions, no TOP_MEM2
    {0xc0010015, 1U << 24, Write::Ignore},  // HWCR: the TSC counts at the P0 rate
    {0xc001001f, 0, Write::Ignore},         // NB_CFG
    {0xc0010055, 0, Write::Ignore},         // interrupt pending message: no C1E
    {0xc0010114, 0x18, Write::Fault},       // VM_CR: SVM disabled, locked
    {0xc0011020, 0, Write::Ignore},         // LS_CFG
    {0xc0011021, 0, Write::Ignore},         // IC_CFG
    {0xc0011022, 0, Write::Ignore},         // DC_CFG
    {0xc0011023, 0, Write::Ignore},         // TW_CFG, BU_CFG
    {0xc0011029, 2, Write::Ignore},         // DE_CFG: LFENCE serialises
    {0xc001102a, 0, Write::Ignore},         // BU_CFG2
};

const Constant* find_constant(uint32_t msr) {
    const auto* found = std::find_if(std::begin(constants), std::end(constants),
                                     [msr](const Constant& c) { return c.msr == msr; });
    return found == std::end(constants) ? nullptr : found;
}

Result<MsrEffect, MsrFault> write_constant(const Constant& constant, uint64_t value) {
    const bool accepted = constant.write == Write::Ignore ||
                          (constant.write == Write::SameValue && value == constant.value);
    if (!accepted) {
        return Err{MsrFault::GeneralProtection};
    }
    return MsrEffect{};
}

bool is_x2apic(uint32_t msr) {
    return msr >= LocalApic::first_x2apic_msr && msr <= LocalApic::last_x2apic_msr;
}

// LMA is the processor's; writes of it are ignored. LME must not change under paging.
Result<MsrEffect, MsrFault> write_efer(uint64_t value, const MsrView& view) {
    const bool changes_lme = ((value ^ view.efer) & Efer::lme) != 0;
    if ((value & ~view.efer_bits) != 0 || (changes_lme && view.is_paging)) {
        return Err{MsrFault::GeneralProtection};
    }
    return MsrEffect{.efer = (value & ~Efer::lma) | (view.efer & Efer::lma) | Efer::svme};
}

// Bits 11:0 number the page of a multi-page area; there is one.
Result<MsrEffect, MsrFault> write_hypercall_page(uint64_t value) {
    if (page_offset(value) != 0) {
        return Err{MsrFault::GeneralProtection};
    }
    return MsrEffect{.hypercall_page = GuestPaddr{value}};
}

}  // namespace

Result<uint64_t, MsrFault> Msrs::read(uint32_t msr, const MsrView& view, LocalApic& apic) const {
    switch (msr) {
        case tsc_msr:
            return view.guest_tsc;
        case LocalApic::apic_base_msr:
            return apic.apic_base();
        case pat_msr:
            return view.pat;
        case efer_msr:
            return view.efer & ~Efer::svme;
        case hypercall_page_msr:
            return uint64_t{0};
        default:
            break;
    }
    if (is_x2apic(msr)) {
        return apic.msr_read(msr, view.now_ns);
    }
    if (Mtrrs::has(msr)) {
        return mtrrs_.read(msr);
    }
    if (const Constant* constant = find_constant(msr)) {
        return constant->value;
    }
    return Err{MsrFault::GeneralProtection};
}

Result<MsrEffect, MsrFault> Msrs::write(uint32_t msr, uint64_t value, const MsrView& view,
                                        LocalApic& apic) {
    switch (msr) {
        case tsc_msr:
            return MsrEffect{.guest_tsc = value};
        case LocalApic::apic_base_msr:
            return MsrEffect{.lapic = TRY(apic.set_apic_base(value)), .apic_base_changed = true};
        case pat_msr:
            return is_legal_pat(value) ? Result<MsrEffect, MsrFault>{MsrEffect{.pat = value}}
                                       : Err{MsrFault::GeneralProtection};
        case efer_msr:
            return write_efer(value, view);
        case hypercall_page_msr:
            return write_hypercall_page(value);
        default:
            break;
    }
    if (is_x2apic(msr)) {
        return MsrEffect{.lapic = TRY(apic.msr_write(msr, value, view.now_ns))};
    }
    if (Mtrrs::has(msr)) {
        TRY(mtrrs_.write(msr, value));
        return MsrEffect{};
    }
    if (const Constant* constant = find_constant(msr)) {
        return write_constant(*constant, value);
    }
    return Err{MsrFault::GeneralProtection};
}

}  // namespace hv::hvm
