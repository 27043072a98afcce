// SPDX-License-Identifier: Apache-2.0
#include "hv/hvm/exit_cpuid.hpp"

#include "hv/domain/domain.hpp"
#include "hv/hvm/cpuid.hpp"
#include "hv/hvm/exit_length.hpp"
#include "hv/hvm/lapic.hpp"
#include "hv/hvm/outcome.hpp"
#include "hv/svm/vmcb.hpp"
#include "hv/x86/instructions.hpp"
#include "hv/x86/registers.hpp"

namespace hv::hvm {

void handle_cpuid(domain::Vcpu& v) {
    const auto length = exit_length(v, ExitInstruction::Cpuid);
    if (!length) {
        return;
    }
    const Register<x86::Cr4> cr4{v.vmcb->save().cr4};
    const CpuidVcpu view{.id = v.id,
                         .apic_enabled = v.lapic->mode() != ApicMode::Disabled,
                         .osxsave = cr4.get(x86::Cr4::OSXSAVE),
                         .xcr0 = x86::xgetbv0()};  // the guest's, while its vCPU is on this CPU
    svm::GuestRegisters& r = v.registers;
    const CpuidLeaf leaf = guest_cpuid(*v.domain->cpuid, view, static_cast<uint32_t>(r.rax),
                                       static_cast<uint32_t>(r.rcx));
    r.rax = leaf.eax;
    r.rbx = leaf.ebx;
    r.rcx = leaf.ecx;
    r.rdx = leaf.edx;
    skip(v, *length);
}

}  // namespace hv::hvm
