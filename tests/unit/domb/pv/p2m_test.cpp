// SPDX-License-Identifier: Apache-2.0
#include "domb/builder/pv/p2m.hpp"

#include "hv/abi/pv_layout.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace builder::pv {
namespace {

using launch::P2mOrder;

void expect_permutation(uint64_t count) {
    const Permutation permutation{count};
    std::vector<bool> taken(count);
    for (uint64_t n = 0; n < count; ++n) {
        const uint64_t image = permutation.to(n);
        ASSERT_LT(image, count);
        ASSERT_FALSE(taken[image]) << n << " of " << count;
        taken[image] = true;
        ASSERT_EQ(permutation.from(image), n) << count;
        ASSERT_NE(image, n) << count;
        if (n > 0) {
            const uint64_t before = permutation.to(n - 1);
            ASSERT_TRUE(image != before + 1 && image + 1 != before) << n << " of " << count;
        }
    }
}

TEST(Permutation, leaves_nothing_in_its_place_and_no_neighbours_together) {
    for (uint64_t count = Permutation::smallest_count; count < 600; ++count) {
        expect_permutation(count);
    }
    for (const uint64_t count : {1024U, 1025U, 65536U, 65537U, 100003U, 720720U}) {
        expect_permutation(count);
    }
}

TEST(Permutation, works_for_the_largest_domains) {
    const uint64_t count = uint64_t{1} << 32;
    const Permutation permutation{count};
    for (const uint64_t n : {uint64_t{0}, uint64_t{1}, count / 3, count - 2, count - 1}) {
        EXPECT_EQ(permutation.from(permutation.to(n)), n);
        EXPECT_NE(permutation.to(n), n);
    }
}

constexpr P2m::SpecialPages special{.xenstore = Pfn{500}, .console = Pfn{501}};

TEST(P2m, identity_goes_around_the_hole_and_through_the_special_pages) {
    const P2m p2m{0xc0000 + 0x1000, P2mOrder::Identity, special};
    EXPECT_EQ(p2m.frame(Pfn{0}), hv::Gfn{0});
    EXPECT_EQ(p2m.frame(Pfn{499}), hv::Gfn{499});
    EXPECT_EQ(p2m.frame(Pfn{500}), hv::Gfn{hv::abi::pv_xenstore_gfn});
    EXPECT_EQ(p2m.frame(Pfn{501}), hv::Gfn{hv::abi::pv_console_gfn});
    EXPECT_EQ(p2m.frame(Pfn{0xbffff}), hv::Gfn{0xbffff});
    EXPECT_EQ(p2m.frame(Pfn{0xc0000}), hv::Gfn{0x100000});
    EXPECT_EQ(p2m.frame(Pfn{0xc0fff}), hv::Gfn{0x100fff});
    EXPECT_EQ(p2m.ram_end(), hv::Gfn{0x101000});
}

TEST(P2m, no_frame_has_two_pfns_and_holes_have_none) {
    for (const P2mOrder order : {P2mOrder::Identity, P2mOrder::Permuted}) {
        for (const uint64_t pages : {0xc0000 + 0x1001, 0xc0000, 0x4001}) {
            const P2m p2m{pages, order, special};
            uint64_t found = 0;
            for (uint64_t n = 0; n < 0x102000; ++n) {
                if (const auto pfn = p2m.pfn(hv::Gfn{n})) {
                    ++found;
                    ASSERT_LT(pfn->value(), pages);
                    ASSERT_EQ(p2m.frame(*pfn), hv::Gfn{n});
                    ASSERT_TRUE(n < 0xc0000 || n >= 0x100000 || *pfn == special.xenstore ||
                                *pfn == special.console);
                    ASSERT_TRUE(order == P2mOrder::Identity || pfn->value() != n);
                }
            }
            EXPECT_EQ(found, pages);
            EXPECT_FALSE(p2m.pfn(p2m.ram_end()).has_value());
            EXPECT_FALSE(p2m.pfn(hv::Gfn{~uint64_t{0}}).has_value());
        }
    }
}

}  // namespace
}  // namespace builder::pv
