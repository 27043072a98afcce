// SPDX-License-Identifier: Apache-2.0
// The model-specific registers of a vCPU: which reach the processor, which are emulated, and that
// all others raise #GP. Registers that the VMCB holds (EFER, PAT) stay there: their values come in
// with MsrView and go out with MsrEffect. Pure, but for what Msrs and LocalApic remember.
#pragma once

#include "hv/base/address.hpp"
#include "hv/base/result.hpp"
#include "hv/hvm/lapic.hpp"
#include "hv/hvm/msr_fault.hpp"
#include "hv/hvm/msr_mtrr.hpp"

#include <array>
#include <cstdint>
#include <optional>

namespace hv::hvm {

// Read and written without exit: VMRUN, VMLOAD or the switch between vCPUs (TSC_AUX) give each vCPU
// its own. PAT is not among them: writes must be checked before they reach the VMCB.
inline constexpr std::array<uint32_t, 11> passed_through_msrs = {
    0x174,       // SYSENTER_CS
    0x175,       // SYSENTER_ESP
    0x176,       // SYSENTER_EIP
    0xc0000081,  // STAR
    0xc0000082,  // LSTAR
    0xc0000083,  // CSTAR
    0xc0000084,  // SFMASK
    0xc0000100,  // FS_BASE
    0xc0000101,  // GS_BASE
    0xc0000102,  // KERNEL_GS_BASE
    0xc0000103,  // TSC_AUX
};

// What is held elsewhere, at the time of the access.
struct MsrView {
    uint64_t efer = 0;       // of the VMCB; SVME in it is never shown
    uint64_t pat = 0;        // g_pat of the VMCB
    bool is_paging = false;  // CR0.PG
    uint64_t guest_tsc = 0;
    uint64_t now_ns = 0;     // system time
    uint64_t efer_bits = 0;  // guest_efer_bits() of the domain
};

// What the caller has to do after a write that succeeded.
struct MsrEffect {
    LapicEffect lapic{};
    std::optional<uint64_t> efer{};              // store in the VMCB as it is; SVME is set
    std::optional<uint64_t> pat{};               // store in g_pat
    std::optional<uint64_t> guest_tsc{};         // make the guest's TSC go on from here
    std::optional<GuestPaddr> hypercall_page{};  // fill this page: fill_hypercall_page()
    bool apic_base_changed = false;              // the APIC page comes or goes
};

class Msrs {
  public:
    explicit Msrs(unsigned guest_physical_bits) : mtrrs_{guest_physical_bits} {}

    // For every MSR that is not passed through.
    Result<uint64_t, MsrFault> read(uint32_t msr, const MsrView& view, LocalApic& apic) const;
    Result<MsrEffect, MsrFault> write(uint32_t msr, uint64_t value, const MsrView& view,
                                      LocalApic& apic);

  private:
    Mtrrs mtrrs_;
};

}  // namespace hv::hvm
