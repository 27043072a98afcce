// SPDX-License-Identifier: Apache-2.0
// The MSR and I/O permission maps of a container: which accesses exit. [apm2] 15.10, 15.11.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace hv::svm {

// Two bits for each MSR of three ranges, read and write; set means exit.
class MsrPermissions {
  public:
    void intercept_all() { bytes_.fill(std::byte{0xff}); }
    // Both reads and writes reach the processor. False if the map does not cover the MSR.
    bool pass_through(uint32_t msr) {
        uint32_t base = 0;
        if (msr >= 0xc0010000 && msr < 0xc0012000) {
            base = 0x1000;
        } else if (msr >= 0xc0000000 && msr < 0xc0002000) {
            base = 0x800;
        } else if (msr >= 0x2000) {
            return false;
        }
        const uint32_t bit = (msr & 0x1fff) * 2;
        bytes_[base + bit / 8] &= ~(std::byte{3} << (bit % 8));
        return true;
    }

  private:
    std::array<std::byte, 0x2000> bytes_;
};
static_assert(sizeof(MsrPermissions) == 0x2000);

// One bit for each port; the third page covers accesses that run past port 65535.
using IoPermissions = std::array<std::byte, 0x3000>;

}  // namespace hv::svm
