// SPDX-License-Identifier: Apache-2.0
#include "hv/launch/tpm_mmio.hpp"

#include "hv/dev/clock.hpp"
#include "hv/launch/measurement.hpp"
#include "hv/mm/direct_map.hpp"

namespace hv::hyperlaunch {

namespace {

// SAFETY of all four: the host map has the TPM's pages uncached, and until domB runs nobody else
// uses them.
volatile std::byte* at(uint32_t offset) {
    return mm::direct_map(tpm_base + offset);
}

}  // namespace

uint8_t TpmMmio::read8(uint32_t offset) const {
    return *reinterpret_cast<volatile uint8_t*>(at(offset));
}
uint32_t TpmMmio::read32(uint32_t offset) const {
    return *reinterpret_cast<volatile uint32_t*>(at(offset));
}
void TpmMmio::write8(uint32_t offset, uint8_t value) const {
    *reinterpret_cast<volatile uint8_t*>(at(offset)) = value;
}
void TpmMmio::write32(uint32_t offset, uint32_t value) const {
    *reinterpret_cast<volatile uint32_t*>(at(offset)) = value;
}
uint64_t SystemClock::now_ns() const {
    return dev::system_time_ns();
}

}  // namespace hv::hyperlaunch
