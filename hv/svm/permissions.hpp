// SPDX-License-Identifier: Apache-2.0
// The MSR and I/O permission maps of a container: which accesses exit. One pair serves every
// container. [apm2] 15.10, 15.11.
#pragma once

#include "hv/base/address.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace hv::svm {

// Two bits for each MSR of three ranges, read and write; set means exit.
class MsrPermissions {
  public:
    void intercept_all() { bytes_.fill(std::byte{0xff}); }
    // Both reads and writes reach the processor. False if the map does not cover the MSR.
    bool pass_through(uint32_t msr);

  private:
    std::array<std::byte, 0x2000> bytes_;
};
static_assert(sizeof(MsrPermissions) == 0x2000);

// One bit for each port; the third page covers accesses that run past port 65535.
using IoPermissions = std::array<std::byte, 0x3000>;

struct PermissionMaps {
    Paddr io{};
    Paddr msr{};
};

// Every port exits, and every MSR but those; `maps` are the frames for it, contiguous.
inline constexpr uint64_t permission_map_frames = 5;
void build_permission_maps(Mfn maps, std::span<const uint32_t> passed_through_msrs);

const PermissionMaps& permission_maps();

}  // namespace hv::svm
