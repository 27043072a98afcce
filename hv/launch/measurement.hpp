// SPDX-License-Identifier: Apache-2.0
// The hypervisor's part of the measured launch: it opens the TPM, starts the log, measures its own
// command line, the LCM and domB, and caps the PCRs when domB fails.
#pragma once

#include "hv/base/address.hpp"
#include "measure/tcg/digest.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace hv::hyperlaunch {

struct Plan;

inline constexpr Paddr tpm_base{0xfed40000};
inline constexpr uint64_t tpm_locality_bytes = page_size;
inline constexpr uint64_t tpm_localities = 5;

struct Measurement {
    bool is_active = false;  // a TPM works; everything so far, or the error separator, is in it
    uint32_t locality = 0;   // that domB is to use
    measure::BankSet banks;
    std::span<std::byte> log;  // whole frames, owned by the hypervisor
    size_t log_used = 0;
    std::span<const std::byte> builder_image;  // private copy: what was measured is what runs
};

Measurement& measurement();

// Extends the error separator into every PCR of the plan; for a launch that failed half way. The
// TPM may be in any state. Whether nothing can be added to those PCRs unnoticed now; if not, it
// says so, and measurement is no longer active: no domain may get this TPM, to fill in what should
// have been there.
[[nodiscard]] bool cap_with_error(const Plan& plan);

}  // namespace hv::hyperlaunch
