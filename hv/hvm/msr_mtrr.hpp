// SPDX-License-Identifier: Apache-2.0
// The memory type range registers and PAT of a vCPU, [apm2] 7.7 and 7.8: values that a guest may
// read back, checked as the processor checks them. The MTRRs decide nothing: nested paging makes
// all of a guest's RAM write-back, and there is no device behind the other types. PAT goes to the
// VMCB.
#pragma once

#include "hv/base/result.hpp"
#include "hv/hvm/msr_fault.hpp"

#include <array>
#include <cstdint>

namespace hv::hvm {

// Each of the eight types of PAT is one the processor knows.
bool is_legal_pat(uint64_t value);

class Mtrrs {
  public:
    // As firmware leaves them: enabled, everything write-back.
    explicit Mtrrs(unsigned physical_bits);

    // Whether `msr` is one of these registers.
    static bool has(uint32_t msr);
    [[nodiscard]] Result<uint64_t, MsrFault> read(uint32_t msr) const;
    Result<void, MsrFault> write(uint32_t msr, uint64_t value);

  private:
    static constexpr unsigned variable_count = 8;
    uint64_t address_mask_;  // bits 12 to the last physical address bit
    uint64_t default_type_;
    std::array<uint64_t, 2 * variable_count> variable_{};  // base, mask, base, mask, …
    std::array<uint64_t, 11> fixed_;
};

}  // namespace hv::hvm
