// SPDX-License-Identifier: Apache-2.0
#include "hv/grant/mapping.hpp"

#include "tests/unit/hv/grant/grant_fixture.hpp"

namespace {

using hv::Gfn;
using hv::abi::GrantStatus;
namespace abi = hv::abi;

using GrantMapping = TwoDomains;

TEST_F(GrantMapping, granted_page_appears_and_disappears) {
    grant(8, 3);
    owner.at<uint32_t>(0x3000) = 0xfeed;
    const auto op = map(8, window);
    ASSERT_EQ(op.status, 0);
    EXPECT_EQ(user.at<uint32_t>(window << 12), 0xfeedU);
    EXPECT_EQ(user.mapping(Gfn{window})->access, hv::mm::Access::ReadWrite);
    EXPECT_EQ(owner.grant(8).flags, permit | abi::GTF_reading | abi::GTF_writing);

    machine.on_flush = [&](hv::domain::Domain& d) {
        EXPECT_EQ(&d, &user.domain());
        EXPECT_FALSE(user.mapping(Gfn{window}));  // gone from the p2m before the flush,
        EXPECT_NE(owner.grant(8).flags, permit);  // and the granter waits until after it
        EXPECT_EQ(machine.foreign_mappings(owner.mfn(Gfn{3})), 1U);
    };
    EXPECT_EQ(unmap(op.handle, window), 0);
    EXPECT_EQ(machine.flushes[&user.domain()], 1U);
    EXPECT_EQ(owner.grant(8).flags, permit);
    EXPECT_EQ(machine.foreign_mappings(owner.mfn(Gfn{3})), 0U);
}

TEST_F(GrantMapping, read_only_mapping_is_read_only_in_the_p2m) {
    grant(8, 3, abi::GTF_readonly);
    ASSERT_EQ(map(8, window, abi::GNTMAP_readonly).status, 0);
    EXPECT_EQ(user.mapping(Gfn{window})->access, hv::mm::Access::ReadOnly);
    EXPECT_EQ(map(8, window + 1).status, raw(GrantStatus::GNTST_general_error));
}

TEST_F(GrantMapping, one_grant_can_be_mapped_twice) {
    grant(8, 3);
    const auto first = map(8, window);
    const auto second = map(8, window + 1, abi::GNTMAP_readonly);
    ASSERT_EQ(second.status, 0);
    EXPECT_NE(first.handle, second.handle);
    EXPECT_EQ(machine.foreign_mappings(owner.mfn(Gfn{3})), 2U);
    EXPECT_EQ(unmap(first.handle, window), 0);
    EXPECT_EQ(owner.grant(8).flags, permit | abi::GTF_reading);
    EXPECT_TRUE(user.mapping(Gfn{window + 1}));
}

TEST_F(GrantMapping, own_grants_can_be_mapped) {
    user.grant(8) = {permit, user.id().value(), 3};
    abi::GnttabMapGrantRef op{};
    op.host_addr = window << 12;
    op.flags = abi::GNTMAP_host_map;
    op.ref = 8;
    op.dom = user.id().value();
    run(op);
    ASSERT_EQ(op.status, 0);
    EXPECT_EQ(user.mfn(Gfn{window}), user.mfn(Gfn{3}));
    EXPECT_EQ(unmap(op.handle, window), 0);
}

TEST_F(GrantMapping, ram_in_the_way_is_set_aside) {
    grant(8, 3);
    ASSERT_EQ(map(8, 10).status, 0);
    EXPECT_EQ(user.mfn(Gfn{10}), owner.mfn(Gfn{3}));
    EXPECT_EQ(user.domain().set_aside_count, 1U);
    EXPECT_EQ(user.domain().tot_pages, FakeDomain::ram_pages - 1);
    EXPECT_EQ(machine.flushes[&user.domain()], 1U);
}

TEST_F(GrantMapping, other_grants_and_pinned_pages_in_the_way_stay) {
    grant(8, 3);
    grant(9, 4);
    ASSERT_EQ(map(8, window).status, 0);
    EXPECT_EQ(map(9, window).status, raw(GrantStatus::GNTST_general_error));
    EXPECT_EQ(owner.grant(9).flags, permit);
    EXPECT_EQ(user.mfn(Gfn{window}), owner.mfn(Gfn{3}));

    hv::mm::machine_frames.add_foreign_mapping(user.mfn(Gfn{7}));
    EXPECT_EQ(map(9, 7).status, raw(GrantStatus::GNTST_general_error));
    EXPECT_EQ(machine.foreign_mappings(owner.mfn(Gfn{4})), 0U);
}

TEST_F(GrantMapping, addresses_beyond_the_physmap_are_refused) {
    grant(8, 3);
    for (const uint64_t gfn : {hv::mm::P2m::gfn_limit, ~uint64_t{0} >> 12}) {
        EXPECT_EQ(map(8, gfn).status, raw(GrantStatus::GNTST_general_error));
    }
    EXPECT_EQ(owner.grant(8).flags, permit);
    EXPECT_EQ(map(8, hv::mm::P2m::gfn_limit - 1).status, 0);
}

TEST_F(GrantMapping, flags_of_other_kinds_of_guest_are_refused) {
    grant(8, 3);
    abi::GnttabMapGrantRef op{};
    op.host_addr = window << 12;
    op.ref = 8;
    op.dom = owner.id().value();
    op.flags = 0;
    run(op);
    EXPECT_EQ(op.status, raw(GrantStatus::GNTST_bad_gntref));
    for (const uint32_t flags :
         {abi::GNTMAP_device_map, abi::GNTMAP_host_map | abi::GNTMAP_device_map,
          abi::GNTMAP_host_map | abi::GNTMAP_contains_pte, abi::GNTMAP_host_map | 1U << 16}) {
        op.flags = flags;
        run(op);
        EXPECT_EQ(op.status, raw(GrantStatus::GNTST_general_error)) << flags;
    }
}

TEST_F(GrantMapping, unknown_and_dying_granters_are_refused) {
    grant(8, 3);
    abi::GnttabMapGrantRef op{};
    op.host_addr = window << 12;
    op.flags = abi::GNTMAP_host_map;
    op.ref = 8;
    for (const uint16_t dom : {uint16_t{9}, uint16_t{0x7ff0}, uint16_t{0xffff}}) {
        op.dom = dom;
        run(op);
        EXPECT_EQ(op.status, raw(GrantStatus::GNTST_bad_domain));
    }
    owner.domain().is_dying = true;
    EXPECT_EQ(map(8, window).status, raw(GrantStatus::GNTST_bad_domain));
    EXPECT_FALSE(user.mapping(Gfn{window}));
}

TEST_F(GrantMapping, handles_run_out_and_come_back) {
    grant(8, 3);
    std::vector<uint32_t> handles;
    for (size_t n = 0; n < FakeDomain::max_mappings; ++n) {
        const auto op = map(8, window + n);
        ASSERT_EQ(op.status, 0);
        handles.push_back(op.handle);
    }
    EXPECT_EQ(map(8, window + 50).status, raw(GrantStatus::GNTST_no_space));
    EXPECT_EQ(machine.foreign_mappings(owner.mfn(Gfn{3})), FakeDomain::max_mappings);
    EXPECT_EQ(unmap(handles[4], window + 4), 0);
    EXPECT_EQ(map(8, window + 50).handle, handles[4]);
}

// A front end that makes its back end map all it can.
TEST_F(GrantMapping, one_granter_does_not_take_the_handles_of_another) {
    constexpr size_t share = 3;
    FakeDomain& second = machine.add_domain(3);
    auto& budget = user.domain().grants->budget();
    budget.set_apart(owner.id(), share);
    budget.set_apart(second.id(), share);
    grant(8, 3);
    second.grant(8) = {abi::GTF_permit_access, user.id().value(), 3};
    const auto map_of_second = [&](uint64_t gfn) {
        abi::GnttabMapGrantRef op{};
        op.host_addr = gfn << 12;
        op.flags = abi::GNTMAP_host_map;
        op.ref = 8;
        op.dom = second.id().value();
        run(op);
        return op.status;
    };
    std::vector<uint32_t> handles;
    for (size_t n = 0; n < FakeDomain::max_mappings - share; ++n) {
        const auto op = map(8, window + n);
        ASSERT_EQ(op.status, 0);
        handles.push_back(op.handle);
    }
    EXPECT_EQ(map(8, window + 50).status, raw(GrantStatus::GNTST_no_space));
    for (uint64_t n = 0; n < share; ++n) {
        EXPECT_EQ(map_of_second(window + 60 + n), 0);
    }
    EXPECT_EQ(map_of_second(window + 70), raw(GrantStatus::GNTST_no_space));

    // What was given back of the share is the granter's again, the last one anyone's.
    EXPECT_EQ(unmap(handles[0], window), 0);
    EXPECT_EQ(map_of_second(window + 70), raw(GrantStatus::GNTST_no_space));
    EXPECT_EQ(unmap(handles.back(), window + handles.size() - 1), 0);
    EXPECT_EQ(map_of_second(window + 70), 0);
    EXPECT_EQ(map(8, window).status, 0);
    EXPECT_EQ(map(8, window + 50).status, raw(GrantStatus::GNTST_no_space));
}

TEST_F(GrantMapping, page_tables_run_out_and_nothing_stays_half_mapped) {
    grant(8, 3);
    // Far apart, so that each mapping needs page tables of its own.
    uint64_t gfn = window;
    int16_t status = 0;
    for (unsigned n = 0; n < 40 && status == 0; ++n) {
        gfn += uint64_t{1} << 18;
        const auto op = map(8, gfn);
        status = op.status;
        if (status == 0) {
            EXPECT_EQ(unmap(op.handle, gfn), 0);
        }
    }
    EXPECT_EQ(status, raw(GrantStatus::GNTST_no_space));
    EXPECT_EQ(owner.grant(8).flags, permit);
    EXPECT_EQ(machine.foreign_mappings(owner.mfn(Gfn{3})), 0U);
    EXPECT_FALSE(user.mapping(Gfn{gfn}));
}

TEST_F(GrantMapping, unmapping_checks_handle_and_address) {
    grant(8, 3);
    const auto op = map(8, window);
    EXPECT_EQ(unmap(op.handle + 1, window), raw(GrantStatus::GNTST_bad_handle));
    EXPECT_EQ(unmap(FakeDomain::max_mappings, window), raw(GrantStatus::GNTST_bad_handle));
    EXPECT_EQ(unmap(~0U, window), raw(GrantStatus::GNTST_bad_handle));
    EXPECT_EQ(unmap(op.handle, window + 1), raw(GrantStatus::GNTST_bad_virt_addr));
    EXPECT_EQ(unmap(op.handle, 0), 0);  // asks for nothing
    EXPECT_TRUE(user.mapping(Gfn{window}));
    EXPECT_EQ(unmap(op.handle, window), 0);
    EXPECT_EQ(unmap(op.handle, window), raw(GrantStatus::GNTST_bad_handle));
}

TEST_F(GrantMapping, device_address_is_refused) {
    grant(8, 3);
    const auto mapped = map(8, window);
    abi::GnttabUnmapGrantRef op{};
    op.host_addr = window << 12;
    op.dev_bus_addr = 0x5000;
    op.handle = mapped.handle;
    hv::grant::Unmapping unmapping{user.domain()};
    unmapping.unmap(op);
    EXPECT_EQ(op.status, raw(GrantStatus::GNTST_bad_dev_addr));
    EXPECT_TRUE(user.mapping(Gfn{window}));
}

TEST_F(GrantMapping, batch_of_unmaps_flushes_once) {
    grant(8, 3);
    const auto a = map(8, window);
    const auto b = map(8, window + 1);
    {
        hv::grant::Unmapping unmapping{user.domain()};
        for (const auto& [handle, gfn] : {std::pair{a.handle, window}, {b.handle, window + 1}}) {
            abi::GnttabUnmapGrantRef op{};
            op.host_addr = gfn << 12;
            op.handle = handle;
            unmapping.unmap(op);
            EXPECT_EQ(op.status, 0);
        }
        EXPECT_EQ(machine.flushes[&user.domain()], 0U);
    }
    EXPECT_EQ(machine.flushes[&user.domain()], 1U);
    EXPECT_EQ(owner.grant(8).flags, permit);
}

TEST_F(GrantMapping, mapped_page_cannot_be_granted_on) {
    grant(8, 3);
    ASSERT_EQ(map(8, window).status, 0);
    user.grant(9) = {permit, owner.id().value(), window};
    abi::GnttabMapGrantRef op{};
    op.host_addr = window << 12;
    op.flags = abi::GNTMAP_host_map;
    op.ref = 9;
    op.dom = user.id().value();
    hv::domain::PhysmapChange change{owner.domain()};
    hv::grant::map(change, owner.domain(), op);
    EXPECT_EQ(op.status, raw(GrantStatus::GNTST_bad_page));
}

}  // namespace
