// SPDX-License-Identifier: Apache-2.0
// What a domain has beside its RAM.
#include "hv/launch/create.hpp"

#include "hv/domain/physmap.hpp"
#include "tests/unit/hv/launch/launch_machine.hpp"

namespace {

using hv::domain::PhysmapChange;
using hv::domain::PhysmapError;
using hv::hyperlaunch::console_gfn;

// Its RAM is counted and bounded; a page beside it that became RAM would be neither.
TEST(Create, special_page_is_no_ram_to_give_back) {
    alone([] {
        LaunchMachine m;
        FakeDomain& domain = m.machine.add_domain(1, 1);
        hv::domain::Domain& d = domain.domain();
        hv::hyperlaunch::add_special_page(m.boot, d, console_gfn);
        const auto page = domain.mapping(console_gfn);
        ASSERT_TRUE(page);
        PhysmapChange change{d};
        const auto removed = change.remove(console_gfn);
        ASSERT_FALSE(removed.ok());
        EXPECT_EQ(removed.error(), PhysmapError::Pinned);
        EXPECT_FALSE(change.map(console_gfn, d.shared_info_mfn, hv::mm::Access::ReadWrite).ok());
        change.finish();
        EXPECT_EQ(domain.mfn(console_gfn), page->mfn);
        EXPECT_EQ(d.tot_pages, FakeDomain::ram_pages);
        EXPECT_EQ(d.set_aside_count, 0U);
        EXPECT_EQ(hv::domain::own_ram(d, console_gfn), page->mfn) << "it can still be granted";
    });
}

}  // namespace
