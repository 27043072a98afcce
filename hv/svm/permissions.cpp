// SPDX-License-Identifier: Apache-2.0
#include "hv/svm/permissions.hpp"

#include "hv/base/assert.hpp"
#include "hv/mm/direct_map.hpp"

namespace hv::svm {

namespace {

constinit PermissionMaps maps_of_all{};

}  // namespace

bool MsrPermissions::pass_through(uint32_t msr) {
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

void build_permission_maps(Mfn maps, std::span<const uint32_t> passed_through_msrs) {
    static_assert(sizeof(IoPermissions) + sizeof(MsrPermissions) ==
                  permission_map_frames * page_size);
    maps_of_all = {.io = to_paddr(maps), .msr = to_paddr(maps + sizeof(IoPermissions) / page_size)};
    mm::direct_map_as<IoPermissions>(maps_of_all.io)->fill(std::byte{0xff});
    auto& msrs = *mm::direct_map_as<MsrPermissions>(maps_of_all.msr);
    msrs.intercept_all();
    for (const uint32_t msr : passed_through_msrs) {
        ASSERT(msrs.pass_through(msr));
    }
}

const PermissionMaps& permission_maps() {
    return maps_of_all;
}

}  // namespace hv::svm
