// SPDX-License-Identifier: Apache-2.0
#include "hv/svm/container.hpp"

#include "hv/svm/debug_registers.hpp"
#include "hv/svm/permissions.hpp"
#include "hv/x86/registers.hpp"

namespace hv::svm {

namespace {

// #DB and #AC, because where delivering one raises the next no instruction ever ends and no
// interrupt is taken: a guest could keep the processor for itself. DR7, and DR5, which may be
// another name of it: svm/debug_registers.hpp. CR8, because of what it keeps back: svm/events.hpp.
constexpr Intercept always[] = {
    Intercept::INTR,      Intercept::NMI,          Intercept::CPUID,        Intercept::INVD,
    Intercept::HLT,       Intercept::INVLPGA,      Intercept::IOIO_PROT,    Intercept::MSR_PROT,
    Intercept::SHUTDOWN,  Intercept::VMRUN,        Intercept::VMMCALL,      Intercept::VMLOAD,
    Intercept::VMSAVE,    Intercept::STGI,         Intercept::CLGI,         Intercept::SKINIT,
    Intercept::WBINVD,    Intercept::MONITOR,      Intercept::MWAIT,        Intercept::MWAIT_ARMED,
    Intercept::RDPMC,     Intercept::EXCEPTION_DB, Intercept::EXCEPTION_AC, Intercept::EXCEPTION_MC,
    Intercept::DR5_WRITE, Intercept::DR7_WRITE,    Intercept::CR8_WRITE,
};

constexpr uint64_t rflags_reset = 2;
constexpr uint64_t pat_reset = 0x0007040600070406;

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
    set_debug_status(vmcb, 0);
    set_debug_control(vmcb, dr7_reset);
    save.g_pat = pat_reset;
    vmcb.control().int_ctl = v_intr_masking;
    vmcb.control().int_state = 0;
    vmcb.control().eventinj = 0;
    vmcb.all_changed();
}

}  // namespace

void init(Vmcb& vmcb, Paddr nested_root, uint32_t asid) {
    VmcbControl& control = vmcb.control();
    control = {};
    for (const Intercept i : always) {
        vmcb.set_intercept(i, true);
    }
    control.iopm_base = permission_maps().io.value();
    control.msrpm_base = permission_maps().msr.value();
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

void set_long_mode_state(Vmcb& vmcb, GuestRegisters& registers) {
    reset(vmcb, registers);
    VmcbSave& save = vmcb.save();
    using x86::Efer;
    save.efer |= Register<Efer>{0}
                     .with(Efer::SCE, true)
                     .with(Efer::LME, true)
                     .with(Efer::LMA, true)
                     .with(Efer::NXE, true)
                     .raw();
    save.cr0 = 0x80010033;  // PG, WP, NE, ET, MP, PE
    save.cr4 = 0x6a0;       // PAE, PGE, OSFXSR, OSXMMEXCPT
}

void set_startup_state(Vmcb& vmcb, GuestRegisters& registers, uint8_t page) {
    reset(vmcb, registers);
    VmcbSave& save = vmcb.save();
    set_data_segments(save, real_data);
    save.cs = {static_cast<uint16_t>(page << 8), 0x09b, 0xffff, uint64_t{page} << 12};
    save.cr0 = 0x60000010;  // CD, NW, ET
    save.rip = 0;
}

}  // namespace hv::svm
