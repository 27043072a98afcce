// SPDX-License-Identifier: Apache-2.0
// What a domain has beside its RAM.
#include "hv/launch/create.hpp"

#include "hv/domain/physmap.hpp"
#include "hv/launch/served_grants.hpp"
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

// For each front end as much as its devices need, in each of the queues that both sides have.
TEST(Create, grants_of_devices_are_set_apart) {
    launch::LaunchGraph graph;
    launch::Domain back;
    back.name = "driver";
    back.vcpu_count = 2;
    launch::Domain disk;
    disk.domid = hv::DomainId{2};
    ASSERT_TRUE(disk.disks.push({.vdev = "xvda", .backend = "driver", .target = "d"}).ok());
    launch::Domain both = disk;
    both.domid = hv::DomainId{3};
    both.vcpu_count = 4;
    ASSERT_TRUE(both.nets.push({.backend = "driver", .bridge = "br0"}).ok());
    ASSERT_TRUE(both.nets.push({.backend = "another", .bridge = "br0"}).ok());
    constexpr uint64_t of_disk = 1057;
    constexpr uint64_t of_net = 258;
    EXPECT_EQ(hv::hyperlaunch::served_grants(disk, back), of_disk);
    EXPECT_EQ(hv::hyperlaunch::served_grants(both, back), 2 * (of_disk + of_net));
    EXPECT_EQ(hv::hyperlaunch::served_grants(back, disk), 0U);
    for (const launch::Domain& domain : {back, disk, both}) {
        ASSERT_TRUE(graph.domains.push(domain).ok());
    }
    constexpr uint64_t all = of_disk + 2 * (of_disk + of_net);
    EXPECT_EQ(hv::hyperlaunch::served_grants(graph, back), all);

    hv::grant::HandleBudget budget;
    budget.init(all);
    hv::hyperlaunch::set_grants_apart(graph, back, budget);
    for (uint64_t n = 0; n < of_disk; ++n) {
        EXPECT_TRUE(budget.take(disk.domid));
    }
    EXPECT_FALSE(budget.has_room(disk.domid));
    EXPECT_FALSE(budget.has_room(hv::DomainId{4}));
    EXPECT_TRUE(budget.has_room(both.domid));
}

}  // namespace
