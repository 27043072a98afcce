// SPDX-License-Identifier: Apache-2.0
#include "hv/svm/svm.hpp"

#include "hv/base/assert.hpp"
#include "hv/dev/log.hpp"
#include "hv/mm/direct_map.hpp"
#include "hv/svm/permissions.hpp"
#include "hv/x86/instructions.hpp"
#include "hv/x86/registers.hpp"

#include <array>
#include <cstddef>
#include <cstring>

extern "C" const std::byte svm_after_vmrun;
extern "C" void svm_enter(uint64_t guest_vmcb, hv::svm::GuestRegisters* registers,
                          uint64_t host_vmcb);

namespace hv::svm {

namespace {

constinit Paddr msr_map{};
constinit Paddr io_map{};

constexpr Intercept always[] = {
    Intercept::INTR,     Intercept::NMI,     Intercept::CPUID,     Intercept::INVD,
    Intercept::HLT,      Intercept::INVLPGA, Intercept::IOIO_PROT, Intercept::MSR_PROT,
    Intercept::SHUTDOWN, Intercept::VMRUN,   Intercept::VMMCALL,   Intercept::VMLOAD,
    Intercept::VMSAVE,   Intercept::STGI,    Intercept::CLGI,      Intercept::SKINIT,
    Intercept::WBINVD,   Intercept::MONITOR, Intercept::MWAIT,     Intercept::MWAIT_ARMED,
    Intercept::RDPMC,
};

constexpr uint64_t rflags_reset = 2;
constexpr uint64_t pat_reset = 0x0007040600070406;
constexpr uint64_t event_type_exception = uint64_t{3} << 8;
constexpr uint64_t event_has_error_code = uint64_t{1} << 11;

// Segment attributes: descriptor bits 55:52 and 47:40, [apm2] 15.5.1.
constexpr Segment flat_code32{0x08, 0xc9b, 0xffffffff, 0};
constexpr Segment flat_data32{0x10, 0xc93, 0xffffffff, 0};
constexpr Segment real_data{0, 0x093, 0xffff, 0};
constexpr Segment reset_tr{0, 0x08b, 0x67, 0};
constexpr Segment reset_ldtr{0, 0x082, 0xffff, 0};
constexpr Segment reset_table{0, 0, 0xffff, 0};

void set_data_segments(VmcbSave& save, const Segment& segment) {
    save.es = save.ss = save.ds = save.fs = save.gs = segment;
}

void reset(Vmcb& vmcb, GuestRegisters& registers) {
    VmcbSave& save = vmcb.save();
    save = {};
    registers = {};
    save.gdtr = save.idtr = reset_table;
    save.ldtr = reset_ldtr;
    save.tr = reset_tr;
    save.efer = uint64_t{1} << x86::Efer::SVME.shift;  // required while in a container
    save.rflags = rflags_reset;
    save.dr6 = 0xffff0ff0;
    save.dr7 = 0x400;
    save.g_pat = pat_reset;
    vmcb.control().int_ctl = v_intr_masking;
    vmcb.control().int_state = 0;
    vmcb.control().eventinj = 0;
    vmcb.all_changed();
}

}  // namespace

SvmMissing check_cpu() {
    using x86::cpuid;
    if (cpuid(0x80000000).eax < 0x8000000a || (cpuid(0x80000001).ecx & 1U << 2) == 0) {
        return SvmMissing::Svm;
    }
    const Register<x86::VmCr> vm_cr{x86::rdmsr(static_cast<uint32_t>(x86::Msr::VM_CR))};
    if (vm_cr.get(x86::VmCr::SVMDIS)) {
        return SvmMissing::DisabledByFirmware;
    }
    if ((cpuid(0x8000000a).edx & 1) == 0) {
        return SvmMissing::NestedPaging;
    }
    if ((cpuid(0x80000001).edx & 1U << 20) == 0) {
        return SvmMissing::Nx;
    }
    return (cpuid(1).ecx & 1U << 26) == 0 ? SvmMissing::Xsave : SvmMissing::None;
}

void enable(Mfn host_save_area) {
    const auto efer = static_cast<uint32_t>(x86::Msr::EFER);
    const Register<x86::Efer> value{x86::rdmsr(efer)};
    x86::wrmsr(efer, value.with(x86::Efer::SVME, true).raw());
    x86::wrmsr(static_cast<uint32_t>(x86::Msr::VM_HSAVE_PA), to_paddr(host_save_area).value());
}

void build_permission_maps(Mfn maps, std::span<const uint32_t> passed_through) {
    io_map = to_paddr(maps);
    msr_map = to_paddr(maps + sizeof(IoPermissions) / page_size);
    mm::direct_map_as<IoPermissions>(io_map)->fill(std::byte{0xff});
    auto& msrs = *mm::direct_map_as<MsrPermissions>(msr_map);
    msrs.intercept_all();
    for (const uint32_t msr : passed_through) {
        ASSERT(msrs.pass_through(msr));
    }
}

void init(Vmcb& vmcb, Paddr nested_root, uint32_t asid) {
    VmcbControl& control = vmcb.control();
    control = {};
    for (const Intercept i : always) {
        vmcb.set_intercept(i, true);
    }
    control.iopm_base = io_map.value();
    control.msrpm_base = msr_map.value();
    control.asid = asid;
    control.np_control = 1;
    control.ncr3 = nested_root.value();
    GuestRegisters unused{};
    reset(vmcb, unused);
}

void set_flat32_state(Vmcb& vmcb, GuestRegisters& registers, uint32_t eip, uint32_t ebx) {
    reset(vmcb, registers);
    VmcbSave& save = vmcb.save();
    set_data_segments(save, flat_data32);
    save.cs = flat_code32;
    save.cr0 = 0x11;  // PE, ET
    save.rip = eip;
    registers.rbx = ebx;
}

void set_startup_state(Vmcb& vmcb, GuestRegisters& registers, uint8_t page) {
    reset(vmcb, registers);
    VmcbSave& save = vmcb.save();
    set_data_segments(save, real_data);
    save.cs = {static_cast<uint16_t>(page << 8), 0x09b, 0xffff, uint64_t{page} << 12};
    save.cr0 = 0x60000010;  // CD, NW, ET
    save.rip = 0;
}

namespace {

// What an entry needs again if it has to be repeated.
struct EntryState {
    static constexpr size_t bytes = offsetof(VmcbSave, dbgctl);
    std::array<std::byte, bytes> save;
    uint64_t eventinj;
};

void keep(EntryState& to, const Vmcb& from) {
    std::memcpy(to.save.data(), &from.save(), EntryState::bytes);
    to.eventinj = from.control().eventinj;
}

void put_back(Vmcb& to, const EntryState& from) {
    std::memcpy(&to.save(), from.save.data(), EntryState::bytes);
    to.control().eventinj = from.eventinj;
    to.all_changed();
}

// Seen on QEMU 7.2 in about one launch of a hundred: an entry comes back without having run a
// single instruction of the guest, either with the host's own state in the save area, or as a
// shutdown, because the walk used the wrong root. Nothing of the guest has happened, so the entry
// can be repeated from what was kept; a true triple fault at the first instruction happens again.
bool was_no_entry(const Vmcb& vmcb, uint64_t rip_before) {
    const VmcbSave& save = vmcb.save();
    if (save.rip == reinterpret_cast<uint64_t>(&svm_after_vmrun) && save.cr3 == x86::read_cr3()) {
        return true;
    }
    return vmcb.control().exitcode == static_cast<uint64_t>(ExitCode::SHUTDOWN) &&
           save.rip == rip_before;
}

}  // namespace

void run(Vmcb& vmcb, GuestRegisters& registers, Paddr host_vmcb) {
    vmcb.save().rax = registers.rax;
    vmcb.save().rsp = registers.rsp;
    EntryState before;
    keep(before, vmcb);
    const uint64_t rip_before = vmcb.save().rip;
    constexpr unsigned most_attempts = 3;
    for (unsigned attempt = 1;; ++attempt) {
        svm_enter(mm::to_paddr(&vmcb).value(), &registers, host_vmcb.value());
        if (attempt == most_attempts || !was_no_entry(vmcb, rip_before)) {
            break;
        }
        dev::log("the processor came back without entering the guest: entering again");
        put_back(vmcb, before);
    }
    registers.rax = vmcb.save().rax;
    registers.rsp = vmcb.save().rsp;
    vmcb.mark_clean();
    vmcb.control().tlb_control = 0;
    vmcb.control().eventinj = 0;
}

void inject_exception(Vmcb& vmcb, Exception vector, uint32_t error_code) {
    uint64_t event = event_valid | event_type_exception | static_cast<uint64_t>(vector);
    if (vector != Exception::UD) {
        event |= event_has_error_code | uint64_t{error_code} << 32;
    }
    vmcb.control().eventinj = event;
}

void offer_interrupt(Vmcb& vmcb, uint8_t vector) {
    uint64_t& int_ctl = vmcb.control().int_ctl;
    constexpr uint64_t vector_mask = uint64_t{0xff} << 32;
    int_ctl = (int_ctl & ~vector_mask) | v_irq | v_ign_tpr | uint64_t{vector} << 32;
    vmcb.changed(Clean::Tpr);
}

void withdraw_interrupt(Vmcb& vmcb) {
    vmcb.control().int_ctl &= ~v_irq;
    vmcb.changed(Clean::Tpr);
}

bool is_interrupt_waiting(const Vmcb& vmcb) {
    return (vmcb.control().int_ctl & v_irq) != 0;
}

bool can_take_interrupt(const Vmcb& vmcb) {
    constexpr uint64_t rflags_if = 1 << 9;
    return (vmcb.save().rflags & rflags_if) != 0 && (vmcb.control().int_state & int_shadow) == 0;
}

}  // namespace hv::svm
