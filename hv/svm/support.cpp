// SPDX-License-Identifier: Apache-2.0
#include "hv/svm/support.hpp"

#include "hv/x86/registers.hpp"

namespace hv::svm {

SvmMissing find_missing(x86::CpuidResult (*cpuid)(uint32_t leaf), uint64_t (*read_vm_cr)()) {
    constexpr uint32_t svm_leaf = 0x8000000a;
    constexpr uint32_t has_svm = 1U << 2;  // CPUID 80000001 ECX, [apm3] E.4.2
    constexpr uint32_t has_nx = 1U << 20;  // and EDX
    constexpr uint32_t has_nested_paging = 1;
    constexpr uint32_t has_xsave = 1U << 26;  // CPUID 1 ECX
    if (cpuid(0x80000000).eax < svm_leaf || (cpuid(0x80000001).ecx & has_svm) == 0) {
        return SvmMissing::Svm;
    }
    if (Register<x86::VmCr>{read_vm_cr()}.get(x86::VmCr::SVMDIS)) {
        return SvmMissing::DisabledByFirmware;
    }
    if ((cpuid(svm_leaf).edx & has_nested_paging) == 0) {
        return SvmMissing::NestedPaging;
    }
    if ((cpuid(0x80000001).edx & has_nx) == 0) {
        return SvmMissing::Nx;
    }
    return (cpuid(1).ecx & has_xsave) == 0 ? SvmMissing::Xsave : SvmMissing::None;
}

SvmMissing check_cpu() {
    return find_missing([](uint32_t leaf) { return x86::cpuid(leaf); },
                        [] { return x86::rdmsr(static_cast<uint32_t>(x86::Msr::VM_CR)); });
}

void enable(Mfn host_save_area) {
    const auto efer = static_cast<uint32_t>(x86::Msr::EFER);
    const Register<x86::Efer> value{x86::rdmsr(efer)};
    x86::wrmsr(efer, value.with(x86::Efer::SVME, true).raw());
    x86::wrmsr(static_cast<uint32_t>(x86::Msr::VM_HSAVE_PA), to_paddr(host_save_area).value());
}

}  // namespace hv::svm
