// SPDX-License-Identifier: Apache-2.0
// What a domain's end does to grants in both directions.
#include "hv/grant/mapping.hpp"
#include "tests/unit/hv/grant/grant_fixture.hpp"

namespace {

using hv::Gfn;
using hv::abi::GrantStatus;
namespace abi = hv::abi;

class Revoke : public TwoDomains {
  protected:
    static void end(FakeDomain& d) {
        d.domain().is_dying = true;
        hv::grant::release_all(d.domain());
    }
};

TEST_F(Revoke, frames_of_an_ended_granter_leave_the_mapper_before_they_are_free) {
    grant(8, 3);
    const auto op = map(8, window);
    machine.on_flush = [&](hv::domain::Domain&) {
        EXPECT_NE(user.mfn(Gfn{window}), owner.mfn(Gfn{3}));
        EXPECT_EQ(machine.foreign_mappings(owner.mfn(Gfn{3})), 1U);
    };
    end(owner);
    EXPECT_EQ(machine.flushes[&user.domain()], 1U);
    EXPECT_EQ(machine.foreign_mappings(owner.mfn(Gfn{3})), 0U);
    machine.on_flush = {};

    // The mapper gives its handle back as if nothing had happened.
    EXPECT_EQ(unmap(op.handle, window), 0);
    EXPECT_FALSE(user.mapping(Gfn{window}));
    EXPECT_EQ(unmap(op.handle, window), raw(GrantStatus::GNTST_bad_handle));
}

// A mapper must not die of a granter's end, whichever instruction it was copying with.
TEST_F(Revoke, mapper_finds_a_page_of_its_own_instead) {
    FakeDomain& third = machine.add_domain(3);
    grant(8, 3);
    grant(9, 4, abi::GTF_readonly);
    owner.grant(10) = {permit, third.id().value(), 3};
    const auto first = map(8, window);
    const auto second = map(9, window + 1, abi::GNTMAP_readonly);
    owner.at<uint64_t>(0x3000) = 0x5ec2e7;
    abi::GnttabMapGrantRef op{};
    op.host_addr = window << 12;
    op.flags = abi::GNTMAP_host_map;
    op.ref = 10;
    op.dom = owner.id().value();
    {
        hv::domain::PhysmapChange change{third.domain()};
        hv::grant::map(change, third.domain(), op);
    }
    ASSERT_EQ(op.status, 0);
    end(owner);
    EXPECT_EQ(user.at<uint64_t>(window << 12), ~uint64_t{0});
    EXPECT_EQ(user.mapping(Gfn{window})->access, hv::mm::Access::ReadWrite);
    EXPECT_EQ(user.mapping(Gfn{window + 1})->access, hv::mm::Access::ReadOnly);
    EXPECT_EQ(hv::mm::machine_frames.get(user.mfn(Gfn{window})).use, hv::mm::FrameUse::Hypervisor);
    EXPECT_FALSE(hv::domain::own_ram(user.domain(), Gfn{window}));
    // Nobody else sees what one of them writes there.
    user.at<uint64_t>(window << 12) = 5;
    EXPECT_EQ(third.at<uint64_t>(window << 12), ~uint64_t{0});
    EXPECT_EQ(owner.at<uint64_t>(0x3000), 0x5ec2e7U);

    const unsigned flushes = machine.flushes[&user.domain()];
    EXPECT_EQ(unmap(first.handle, window), 0);
    EXPECT_EQ(machine.flushes[&user.domain()], flushes + 1);
    EXPECT_FALSE(user.mapping(Gfn{window}));
    // Own RAM that has taken the place meanwhile stays.
    ASSERT_TRUE(user.domain()
                    .p2m.map(Gfn{window + 1}, user.mfn(Gfn{5}), 1, hv::mm::Access::ReadWrite)
                    .ok());
    EXPECT_EQ(unmap(second.handle, window + 1), 0);
    EXPECT_EQ(user.mfn(Gfn{window + 1}), user.mfn(Gfn{5}));
}

TEST_F(Revoke, ended_mapper_gives_everything_back) {
    grant(8, 3);
    grant(9, 4);
    ASSERT_EQ(map(8, window).status, 0);
    ASSERT_EQ(map(8, window + 1).status, 0);
    ASSERT_EQ(map(9, window + 2, abi::GNTMAP_readonly).status, 0);
    end(user);
    EXPECT_EQ(owner.grant(8).flags, permit);
    EXPECT_EQ(owner.grant(9).flags, permit);
    EXPECT_EQ(machine.foreign_mappings(owner.mfn(Gfn{3})), 0U);
    EXPECT_EQ(machine.foreign_mappings(owner.mfn(Gfn{4})), 0U);
    EXPECT_FALSE(user.mapping(Gfn{window}));
    EXPECT_EQ(machine.flushes[&user.domain()], 1U);
}

TEST_F(Revoke, own_mapping_of_an_own_grant_goes) {
    user.grant(8) = {permit, user.id().value(), 3};
    abi::GnttabMapGrantRef op{};
    op.host_addr = window << 12;
    op.flags = abi::GNTMAP_host_map;
    op.ref = 8;
    op.dom = user.id().value();
    run(op);
    end(user);
    EXPECT_EQ(machine.foreign_mappings(user.mfn(Gfn{3})), 0U);
}

TEST_F(Revoke, third_domains_are_left_alone) {
    FakeDomain& third = machine.add_domain(3);
    third.grant(8) = {permit, user.id().value(), 3};
    abi::GnttabMapGrantRef op{};
    op.host_addr = window << 12;
    op.flags = abi::GNTMAP_host_map;
    op.ref = 8;
    op.dom = third.id().value();
    run(op);
    end(owner);
    EXPECT_EQ(user.mfn(Gfn{window}), third.mfn(Gfn{3}));
    EXPECT_EQ(machine.foreign_mappings(third.mfn(Gfn{3})), 1U);
    EXPECT_TRUE(machine.flushes.empty());
}

TEST_F(Revoke, granter_may_end_while_the_mapper_unmaps) {
    grant(8, 3);
    const auto op = map(8, window);
    bool is_first = true;
    machine.on_flush = [&](hv::domain::Domain&) {
        if (std::exchange(is_first, false)) {
            end(owner);  // on another CPU, between the two halves of the unmap
        }
    };
    EXPECT_EQ(unmap(op.handle, window), 0);
    EXPECT_EQ(machine.foreign_mappings(owner.mfn(Gfn{3})), 0U);
    EXPECT_EQ(unmap(op.handle, window), raw(GrantStatus::GNTST_bad_handle));
}

TEST_F(Revoke, handle_in_the_middle_of_an_unmap_cannot_be_unmapped_again) {
    grant(8, 3);
    const auto op = map(8, window);
    machine.on_flush = [&](hv::domain::Domain&) {
        abi::GnttabUnmapGrantRef again{};
        again.host_addr = window << 12;
        again.handle = op.handle;
        hv::grant::Unmapping unmapping{user.domain()};
        unmapping.unmap(again);
        EXPECT_EQ(again.status, raw(GrantStatus::GNTST_bad_handle));
    };
    EXPECT_EQ(unmap(op.handle, window), 0);
    EXPECT_EQ(owner.grant(8).flags, permit);
}

}  // namespace
