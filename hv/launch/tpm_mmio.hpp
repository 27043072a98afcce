// SPDX-License-Identifier: Apache-2.0
// The machine's TPM as measure/tpm drives it: its registers and the time. Defined by tpm_mmio.cpp
// in the hypervisor, and by a fake TPM in tests. Used by measurement.cpp alone.
#pragma once

#include "measure/tpm/tpm.hpp"

#include <cstdint>

namespace hv::hyperlaunch {

struct TpmMmio {
    uint8_t read8(uint32_t offset) const;
    uint32_t read32(uint32_t offset) const;
    void write8(uint32_t offset, uint8_t value) const;
    void write32(uint32_t offset, uint32_t value) const;
};
struct SystemClock {
    uint64_t now_ns() const;
};
using HostTpm = measure::Tpm<TpmMmio, SystemClock>;

}  // namespace hv::hyperlaunch
