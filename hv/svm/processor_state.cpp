// SPDX-License-Identifier: Apache-2.0
#include "hv/svm/processor_state.hpp"

#include "hv/x86/instructions.hpp"
#include "hv/x86/registers.hpp"

#include <algorithm>

namespace hv::svm {

namespace {

uint64_t supported_xcr0() {
    const auto r = x86::cpuid(0xd, 0);
    return uint64_t{r.edx} << 32 | r.eax;
}

constexpr uint32_t xstate_bv_offset = 512;  // [apm2] 11.5.6

}  // namespace

void enable_xsave() {
    const Register<x86::Cr4> cr4{x86::read_cr4()};
    x86::write_cr4(cr4.with(x86::Cr4::OSXSAVE, true).raw());
    x86::xsetbv0(supported_xcr0());
}

uint64_t xsave_bytes() {
    return x86::cpuid(0xd, 0).ecx;
}

void reset(ProcessorState& state) {
    auto* area = static_cast<uint8_t*>(state.xsave_area);
    std::fill_n(area, xsave_bytes(), uint8_t{0});
    // XSTATE_BV 0 restores initial values; FCW and MXCSR are read from the area all the same.
    area[0] = 0x7f;
    area[1] = 0x03;
    area[24] = 0x80;
    area[25] = 0x1f;
    area[xstate_bv_offset] = 3;  // x87 and SSE as written above
    state.xcr0 = 1;
    state.dr = {};
}

void save(ProcessorState& state) {
    state.xcr0 = x86::xgetbv0();
    x86::xsetbv0(supported_xcr0());
    x86::xsave(state.xsave_area);
    state.tsc_aux = x86::rdmsr(static_cast<uint32_t>(x86::Msr::TSC_AUX));
    state.dr = x86::read_dr0_to_3();
}

void restore(const ProcessorState& state) {
    x86::write_dr0_to_3(state.dr);
    x86::wrmsr(static_cast<uint32_t>(x86::Msr::TSC_AUX), state.tsc_aux);
    x86::xsetbv0(supported_xcr0());
    // Where the processor has no RstrFpErrPtrs ([apm3] CPUID 80000008 EBX), XRSTOR leaves the
    // addresses of the last x87 instruction and its operand: another domain's.
    x86::fninit();
    x86::xrstor(state.xsave_area);
    x86::xsetbv0(state.xcr0);
}

void set_debug_address(uint64_t n, uint64_t address) {
    auto dr = x86::read_dr0_to_3();
    dr[n] = address;
    x86::write_dr0_to_3(dr);
}

uint64_t debug_address(uint64_t n) {
    return x86::read_dr0_to_3()[n];
}

void drop_predictions() {
    constexpr uint32_t has_ibpb = 1U << 12;  // CPUID 80000008 EBX
    constexpr uint32_t pred_cmd = 0x49;
    if ((x86::cpuid(0x80000008).ebx & has_ibpb) != 0) {
        x86::wrmsr(pred_cmd, 1);
    }
}

}  // namespace hv::svm
