// SPDX-License-Identifier: Apache-2.0
// The permission maps as the processor reads them, [apm2] 15.10.1 and 15.11.
#include "hv/svm/permissions.hpp"

#include "hv/hvm/msr.hpp"
#include "tests/unit/hv/mm/physical_memory.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

namespace {

using hv::Mfn;

// Where the processor looks for an MSR's two bits; nothing outside of its three ranges.
std::optional<size_t> bit_of(uint32_t msr) {
    if (msr <= 0x1fff) {
        return size_t{msr} * 2;
    }
    if (msr >= 0xc0000000 && msr <= 0xc0001fff) {
        return 0x800 * 8 + (msr - 0xc0000000) * size_t{2};
    }
    if (msr >= 0xc0010000 && msr <= 0xc0011fff) {
        return 0x1000 * 8 + (msr - 0xc0010000) * size_t{2};
    }
    return std::nullopt;
}

class Permissions : public testing::Test {
  protected:
    static constexpr uint64_t first = 1;
    static bool exits(const std::byte* map, size_t bit) {
        return (map[bit / 8] & (std::byte{1} << (bit % 8))) != std::byte{};
    }
    static const std::byte* io() { return hv::mm::direct_map(hv::svm::permission_maps().io); }
    static const std::byte* msrs() { return hv::mm::direct_map(hv::svm::permission_maps().msr); }
    // MSR numbers whose reads or writes do not exit, of everything the map can say.
    static std::vector<uint32_t> passed() {
        std::vector<uint32_t> found;
        for (const uint32_t base : {0U, 0xc0000000U, 0xc0010000U}) {
            for (uint32_t n = 0; n < 0x2000; ++n) {
                const size_t bit = *bit_of(base + n);
                if (!exits(msrs(), bit) || !exits(msrs(), bit + 1)) {
                    EXPECT_EQ(exits(msrs(), bit), exits(msrs(), bit + 1)) << base + n;
                    found.push_back(base + n);
                }
            }
        }
        return found;
    }
    PhysicalMemory memory{first + hv::svm::permission_map_frames + 1};
};

TEST_F(Permissions, every_port_and_msr_exits) {
    hv::svm::build_permission_maps(Mfn{first}, {});
    for (size_t port = 0; port < 0x10000 + 8; ++port) {
        ASSERT_TRUE(exits(io(), port)) << port;
    }
    EXPECT_TRUE(passed().empty());
}

TEST_F(Permissions, maps_stay_in_their_frames) {
    hv::svm::build_permission_maps(Mfn{first}, {});
    constexpr std::byte untouched{PhysicalMemory::pattern};
    const std::byte* before = hv::mm::direct_map(Mfn{first}) - 1;
    const std::byte* after = hv::mm::direct_map(Mfn{first + hv::svm::permission_map_frames});
    EXPECT_EQ(*before, untouched);
    EXPECT_EQ(*after, untouched);
    EXPECT_EQ(hv::page_offset(hv::svm::permission_maps().io.value()), 0U);
    EXPECT_EQ(hv::page_offset(hv::svm::permission_maps().msr.value()), 0U);
}

TEST_F(Permissions, passed_through_is_what_was_asked_for) {
    std::vector<uint32_t> wanted{0,          0x10,       0x1fff,     0xc0000000,
                                 0xc0000080, 0xc0001fff, 0xc0010000, 0xc0011fff};
    hv::svm::build_permission_maps(Mfn{first}, wanted);
    EXPECT_EQ(passed(), wanted);
}

TEST_F(Permissions, msrs_outside_the_map_are_refused) {
    hv::svm::build_permission_maps(Mfn{first}, {});
    auto& map = *hv::mm::direct_map_as<hv::svm::MsrPermissions>(hv::svm::permission_maps().msr);
    for (const uint32_t msr :
         {0x2000U, 0x40000000U, 0xbfffffffU, 0xc0002000U, 0xc000ffffU, 0xc0012000U, 0xffffffffU}) {
        EXPECT_FALSE(map.pass_through(msr)) << std::hex << msr;
    }
    EXPECT_TRUE(passed().empty());
    const std::vector<uint32_t> bad{0x2000};
    EXPECT_DEATH(hv::svm::build_permission_maps(Mfn{first}, bad), "bug");
}

// Of the product's list: nothing in it belongs to the machine rather than to the vCPU.
TEST_F(Permissions, guests_reach_only_registers_that_are_switched) {
    hv::svm::build_permission_maps(Mfn{first}, hv::hvm::passed_through_msrs);
    // By VMLOAD: SYSENTER, STAR to SFMASK, FS, GS and kernel GS bases. By save(): TSC_AUX.
    const std::vector<uint32_t> switched{0x174,      0x175,      0x176,      0xc0000081,
                                         0xc0000082, 0xc0000083, 0xc0000084, 0xc0000100,
                                         0xc0000101, 0xc0000102, 0xc0000103};
    const std::vector<uint32_t> got = passed();
    EXPECT_FALSE(got.empty());
    EXPECT_TRUE(std::includes(switched.begin(), switched.end(), got.begin(), got.end()));
}

}  // namespace
