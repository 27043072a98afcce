// SPDX-License-Identifier: Apache-2.0
#include "hv/hvm/exit_msr.hpp"

#include "hv/domain/domain.hpp"
#include "hv/hvm/cpuid.hpp"
#include "hv/hvm/exit_length.hpp"
#include "hv/hvm/hypercall_page.hpp"
#include "hv/hvm/lapic_effect.hpp"
#include "hv/hvm/msr.hpp"
#include "hv/hvm/outcome.hpp"
#include "hv/sched/sched.hpp"
#include "hv/svm/svm.hpp"
#include "hv/x86/instructions.hpp"
#include "hv/x86/registers.hpp"

namespace hv::hvm {

namespace {

MsrView view_of(const domain::Vcpu& v) {
    const svm::VmcbSave& save = v.vmcb->save();
    return {.efer = save.efer,
            .pat = save.g_pat,
            .is_paging = Register<x86::Cr0>{save.cr0}.get(x86::Cr0::PG),
            .guest_tsc = x86::rdtsc() + v.vmcb->control().tsc_offset,
            .now_ns = sched::now_ns(),
            .efer_bits = guest_efer_bits(*v.domain->cpuid)};
}

void apply(domain::Vcpu& v, const MsrEffect& effect) {
    svm::Vmcb& vmcb = *v.vmcb;
    apply(v, effect.lapic);
    if (effect.efer) {
        vmcb.save().efer = *effect.efer;
        vmcb.changed(svm::Clean::ControlRegisters);
    }
    if (effect.pat) {
        vmcb.save().g_pat = *effect.pat;
        vmcb.changed(svm::Clean::NestedPaging);
    }
    if (effect.guest_tsc) {
        vmcb.control().tsc_offset = *effect.guest_tsc - x86::rdtsc();
        vmcb.changed(svm::Clean::Intercepts);
    }
    if (effect.hypercall_page) {
        // A page that is not there stays as it is: the guest sees that on its first call.
        v.domain->p2m.with_page(to_gfn(*effect.hypercall_page), true, [](std::byte* page) {
            fill_hypercall_page(std::span<std::byte, page_size>{page, page_size});
        });
    }
}

bool read(domain::Vcpu& v, uint32_t msr) {
    auto value = v.msrs->read(msr, view_of(v), *v.lapic);
    if (!value.ok()) {
        return false;
    }
    const uint64_t result = value.take();
    v.registers.rax = result & 0xffffffff;
    v.registers.rdx = result >> 32;
    return true;
}

bool write(domain::Vcpu& v, uint32_t msr) {
    const uint64_t value = v.registers.rdx << 32 | (v.registers.rax & 0xffffffff);
    const auto effect = v.msrs->write(msr, value, view_of(v), *v.lapic);
    if (!effect.ok()) {
        return false;
    }
    apply(v, effect.value());
    return true;
}

}  // namespace

void handle_msr(domain::Vcpu& v) {
    const auto msr = static_cast<uint32_t>(v.registers.rcx);
    const bool is_write = v.vmcb->control().exitinfo1 != 0;
    const auto length = exit_length(v, is_write ? ExitInstruction::Wrmsr : ExitInstruction::Rdmsr);
    if (!length) {
        return;
    }
    if (is_write ? write(v, msr) : read(v, msr)) {
        skip(v, *length);
    } else {
        svm::inject_exception(*v.vmcb, svm::Exception::GP);
    }
}

}  // namespace hv::hvm
