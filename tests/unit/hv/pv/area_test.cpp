// SPDX-License-Identifier: Apache-2.0
#include "hv/pv/area.hpp"

#include "hv/mm/extents.hpp"
#include "tests/fake/fake_machine.hpp"

#include <gtest/gtest.h>

namespace {

using hv::pv::AreaError;

constexpr uint64_t largest = (uint64_t{63} << 30) >> hv::page_shift;

// A domain of so much memory, on a machine that has none left.
AreaError why_not(uint64_t max_pages) {
    FakeMachine machine;
    hv::domain::Domain& domain = machine.add_domain(1).domain();
    domain.max_pages = max_pages;
    hv::mm::Extents nothing;
    hv::mm::Arena arena{nothing};
    const auto created = hv::pv::create_area(arena, domain);
    EXPECT_FALSE(created.ok());
    EXPECT_EQ(domain.pv, nullptr);
    return created.error();
}

TEST(PvArea, the_m2p_ends_before_the_area) {
    EXPECT_EQ(why_not(largest), AreaError::NoMemory);
    EXPECT_EQ(why_not(largest + 1), AreaError::TooLarge);
    EXPECT_EQ(why_not(~uint64_t{0} >> hv::page_shift), AreaError::TooLarge);
}

}  // namespace
