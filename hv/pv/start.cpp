// SPDX-License-Identifier: Apache-2.0
#include "hv/pv/start.hpp"

#include "hv/domain/physmap.hpp"
#include "hv/event/pending.hpp"
#include "hv/pv/area.hpp"
#include "hv/pv/descriptors.hpp"
#include "hv/pv/hypercall_page.hpp"
#include "hv/pv/page_tables.hpp"
#include "hv/pv/pv.hpp"
#include "hv/pv/roots.hpp"
#include "hv/pv/stub.hpp"
#include "hv/pv/traps.hpp"
#include "hv/svm/container.hpp"
#include "hv/x86/registers.hpp"

#include <algorithm>
#include <array>

namespace hv::pv {

namespace {

constexpr uint64_t rflags_if = 1 << 9;
constexpr uint64_t rflags_user = 0x240cd7;  // arithmetic flags, TF, DF, AC, ID
// What SYSCALL clears: VM, RF, NT, DF, IF, TF; as Xen.
constexpr uint64_t syscall_mask = 0x34700;

// CPL 0 of 64-bit mode with the block's descriptor tables.
void set_machine_state(domain::Vcpu& v) {
    svm::Vmcb& vmcb = *v.vmcb;
    svm::set_long_mode_state(vmcb, v.registers);
    svm::VmcbSave& save = vmcb.save();
    save.cs = {STUB_KERNEL_CS, 0xa9b, 0xffffffff, 0};
    save.ss = {STUB_KERNEL_SS, 0xc93, 0xffffffff, 0};
    save.gdtr = {0, 0, (abi::FIRST_RESERVED_GDT_PAGE + 1) * page_size - 1,
                 stub_address(v, STUB_GDT)};
    save.idtr = {0, 0, 256 * 16 - 1, stub_address(v, STUB_IDT)};
    save.tr = {STUB_TSS, 0x8b, 0x67, stub_address(v, STUB_DATA)};
    save.star = uint64_t{abi::FLAT_RING3_CS32} << 48 | uint64_t{STUB_KERNEL_CS} << 32;
    save.lstar = stub_address(v, stub_offset(stub_syscall));
    save.cstar = stub_address(v, stub_offset(stub_syscall32));
    save.sfmask = syscall_mask;
    for (const svm::Intercept i :
         {svm::Intercept::GDTR_WRITE, svm::Intercept::IDTR_WRITE, svm::Intercept::LDTR_WRITE,
          svm::Intercept::TR_WRITE, svm::Intercept::EXCEPTION_UD}) {
        vmcb.set_intercept(i, true);
    }
    v.masks_upcalls = true;
    reset_traps(v);
}

std::optional<Gfn> gfn_of_cr3(uint64_t cr3) {
    // [xen-pub] xen_pfn_to_cr3: the identity in 64 bits.
    return page_offset(cr3) == 0 ? std::optional{to_gfn(GuestPaddr{cr3})} : std::nullopt;
}

void set_registers(domain::Vcpu& v, const abi::CpuUserRegs& r) {
    svm::GuestRegisters& to = v.registers;
    to.rax = r.rax;
    to.rbx = r.rbx;
    to.rcx = r.rcx;
    to.rdx = r.rdx;
    to.rsi = r.rsi;
    to.rdi = r.rdi;
    to.rbp = r.rbp;
    to.rsp = r.rsp;
    to.r8 = r.r8;
    to.r9 = r.r9;
    to.r10 = r.r10;
    to.r11 = r.r11;
    to.r12 = r.r12;
    to.r13 = r.r13;
    to.r14 = r.r14;
    to.r15 = r.r15;
    svm::VmcbSave& save = v.vmcb->save();
    save.rip = r.rip;
    save.rflags = (r.rflags & rflags_user) | rflags_if | 2;
}

Result<void, StartError> set_descriptor_tables(domain::Vcpu& v, const abi::VcpuGuestContext& c) {
    constexpr uint64_t entries_per_frame = page_size / 8;
    if (c.gdt_ents > abi::FIRST_RESERVED_GDT_ENTRY) {
        return Err{StartError::BadContext};
    }
    std::array<Gfn, abi::FIRST_RESERVED_GDT_PAGE> frames{};
    const uint64_t count = (c.gdt_ents + entries_per_frame - 1) / entries_per_frame;
    for (uint64_t i = 0; i < count; ++i) {
        frames[i] = Gfn{c.gdt_frames[i]};
        if (!accept_descriptors(*v.domain, frames[i])) {
            return Err{StartError::BadFrame};
        }
    }
    set_gdt(v, std::span{frames}.first(count));
    return Ok{};
}

bool are_canonical(const abi::VcpuGuestContext& c) {
    const std::array addresses{
        c.user_regs.rip,         c.user_regs.rsp,        c.kernel_sp, c.event_callback_eip,
        c.failsafe_callback_eip, c.syscall_callback_eip, c.fs_base,   c.gs_base_kernel,
        c.gs_base_user};
    return std::all_of(addresses.begin(), addresses.end(), is_canonical) &&
           std::all_of(std::begin(c.trap_ctxt), std::end(c.trap_ctxt),
                       [](const abi::TrapInfo& trap) { return is_canonical(trap.address); });
}

// The first tables are domB's work, not a guest's, and nobody else runs yet.
bool pin_at_once(domain::Domain& d, Gfn root) {
    constexpr uint8_t root_level = 4;
    auto no_limit = ~uint32_t{0};
    return pin(d, root, root_level, no_limit).ok();
}

}  // namespace

Result<void, StartError> start_first(domain::Domain& d, const abi::LaunchPvVcpu& request) {
    domain::Vcpu& v = *d.vcpus[0];
    const Gfn root{request.l4_gfn};
    if (!is_canonical(request.rip) || !is_canonical(request.rsp)) {
        return Err{StartError::BadContext};
    }
    set_machine_state(v);
    if (!pin_at_once(d, root)) {
        return Err{StartError::BadFrame};
    }
    if (request.hypercall_page != ~uint64_t{0}) {
        const Gfn page{request.hypercall_page};
        const bool filled =
            domain::own_ram(d, page) && d.p2m.with_page(page, true, [](std::byte* bytes) {
                fill_hypercall_page(std::span<std::byte, page_size>{bytes, page_size});
            });
        if (!filled) {
            return Err{StartError::BadFrame};
        }
    }
    set_kernel_root(v, to_gpaddr(root).value());
    v.vmcb->save().rip = request.rip;
    v.vmcb->save().rflags = rflags_if | 2;
    v.registers.rsp = request.rsp;
    v.registers.rsi = request.start_info;
    set_kernel_stack(v, request.rsp);
    event::set_upcall_mask(v, true);
    v.is_initialised = true;
    return Ok{};
}

Result<void, StartError> initialise(domain::Vcpu& v, const abi::VcpuGuestContext& c) {
    domain::Domain& d = *v.domain;
    const auto root = gfn_of_cr3(c.ctrlreg[3]);
    const auto user_root = gfn_of_cr3(c.ctrlreg[1]);
    if (!root || !user_root || !are_canonical(c)) {
        return Err{StartError::BadContext};
    }
    set_machine_state(v);
    TRY(set_descriptor_tables(v, c));
    if (!use_root(d, *root).ok() || (c.ctrlreg[1] != 0 && !use_root(d, *user_root).ok())) {
        return Err{StartError::BadFrame};
    }
    for (const abi::TrapInfo& trap : c.trap_ctxt) {
        if (trap.address != 0) {
            set_trap(v, trap);
        }
    }
    using abi::CallbackType;
    set_callback(v, CallbackType::CALLBACKTYPE_event, c.event_callback_eip, true);
    set_callback(v, CallbackType::CALLBACKTYPE_failsafe, c.failsafe_callback_eip,
                 (c.flags & abi::VGCF_failsafe_disables_events) != 0);
    set_callback(v, CallbackType::CALLBACKTYPE_syscall, c.syscall_callback_eip,
                 (c.flags & abi::VGCF_syscall_disables_events) != 0);
    set_kernel_stack(v, c.kernel_sp);
    svm::VmcbSave& save = v.vmcb->save();
    set_kernel_root(v, to_gpaddr(*root).value());
    set_user_root(v, c.ctrlreg[1], GuestVaddr{c.user_regs.rip});
    save.fs.base = c.fs_base;
    save.gs.base = c.gs_base_kernel;
    save.kernel_gs_base = c.gs_base_user;
    set_registers(v, c.user_regs);
    event::set_upcall_mask(v, true);
    v.is_initialised = true;
    return Ok{};
}

}  // namespace hv::pv
