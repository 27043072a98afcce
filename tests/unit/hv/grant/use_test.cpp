// SPDX-License-Identifier: Apache-2.0
// Grant entries: who may use them, and what the granter sees meanwhile.
#include "hv/grant/use.hpp"

#include "hv/abi/xen_grant_table.hpp"
#include "tests/fake/fake_machine.hpp"

#include <gtest/gtest.h>

namespace {

using hv::DomainId;
using hv::Gfn;
using hv::GrantRef;
using hv::abi::GrantStatus;
namespace abi = hv::abi;
namespace grant = hv::grant;

constexpr uint16_t permit = abi::GTF_permit_access;
constexpr uint16_t in_use = abi::GTF_reading | abi::GTF_writing;

class Use : public testing::Test {
  protected:
    static GrantStatus refused(hv::Result<hv::Mfn, GrantStatus> result) {
        EXPECT_FALSE(result.ok());
        return result.ok() ? GrantStatus::GNTST_okay : result.error();
    }
    FakeMachine machine;
    FakeDomain& owner = machine.add_domain(1);
    const GrantRef ref{9};
    const DomainId user{2};
};

TEST_F(Use, write_shows_reading_and_writing_until_released) {
    owner.grant(9) = {permit, 2, 5};
    EXPECT_EQ(grant::acquire(owner.domain(), ref, user, true).take(), owner.mfn(Gfn{5}));
    EXPECT_EQ(owner.grant(9).flags, permit | in_use);
    EXPECT_EQ(machine.foreign_mappings(owner.mfn(Gfn{5})), 1U);
    grant::release(owner.domain(), ref, true);
    EXPECT_EQ(owner.grant(9).flags, permit);
    EXPECT_EQ(machine.foreign_mappings(owner.mfn(Gfn{5})), 0U);
}

TEST_F(Use, read_shows_reading_only) {
    owner.grant(9) = {permit, 2, 5};
    ASSERT_TRUE(grant::acquire(owner.domain(), ref, user, false).ok());
    EXPECT_EQ(owner.grant(9).flags, permit | abi::GTF_reading);
    grant::release(owner.domain(), ref, false);
    EXPECT_EQ(owner.grant(9).flags, permit);
}

TEST_F(Use, writing_ends_with_the_last_writer_and_reading_with_the_last_user) {
    owner.grant(9) = {permit, 2, 5};
    ASSERT_TRUE(grant::acquire(owner.domain(), ref, user, false).ok());
    ASSERT_TRUE(grant::acquire(owner.domain(), ref, user, true).ok());
    ASSERT_TRUE(grant::acquire(owner.domain(), ref, user, true).ok());
    grant::release(owner.domain(), ref, true);
    EXPECT_EQ(owner.grant(9).flags, permit | in_use);
    grant::release(owner.domain(), ref, true);
    EXPECT_EQ(owner.grant(9).flags, permit | abi::GTF_reading);
    grant::release(owner.domain(), ref, false);
    EXPECT_EQ(owner.grant(9).flags, permit);
}

TEST_F(Use, read_only_grant_cannot_be_written) {
    owner.grant(9) = {permit | abi::GTF_readonly, 2, 5};
    EXPECT_EQ(refused(grant::acquire(owner.domain(), ref, user, true)),
              GrantStatus::GNTST_general_error);
    EXPECT_EQ(owner.grant(9).flags, permit | abi::GTF_readonly);
    EXPECT_TRUE(grant::acquire(owner.domain(), ref, user, false).ok());
    // Not even while it is being read.
    EXPECT_EQ(refused(grant::acquire(owner.domain(), ref, user, true)),
              GrantStatus::GNTST_general_error);
}

TEST_F(Use, only_the_named_domain_may_use_it) {
    owner.grant(9) = {permit, 3, 5};
    EXPECT_EQ(refused(grant::acquire(owner.domain(), ref, user, false)),
              GrantStatus::GNTST_general_error);
    EXPECT_EQ(owner.grant(9).flags, permit);
}

TEST_F(Use, entry_rewritten_for_another_domain_while_in_use_stays_with_its_user) {
    owner.grant(9) = {permit, 2, 5};
    ASSERT_TRUE(grant::acquire(owner.domain(), ref, user, false).ok());
    owner.grant(9) = {permit, 3, 6};
    EXPECT_EQ(refused(grant::acquire(owner.domain(), ref, DomainId{3}, false)),
              GrantStatus::GNTST_general_error);
    // The user gets the frame it had, wherever the entry points now.
    EXPECT_EQ(grant::acquire(owner.domain(), ref, user, false).take(), owner.mfn(Gfn{5}));
}

TEST_F(Use, other_kinds_of_entry_grant_nothing) {
    for (const unsigned flags : {0U + abi::GTF_invalid, 0U + abi::GTF_accept_transfer,
                                 0U + abi::GTF_transitive, 0U + permit + abi::GTF_sub_page}) {
        owner.grant(9) = {static_cast<uint16_t>(flags), 2, 5};
        EXPECT_EQ(refused(grant::acquire(owner.domain(), ref, user, false)),
                  GrantStatus::GNTST_general_error);
        EXPECT_EQ(owner.grant(9).flags, flags);
    }
}

TEST_F(Use, references_beyond_the_table_do_not_exist) {
    const uint32_t entries = owner.domain().grants->entry_count();
    for (const uint32_t n : {entries, ~0U}) {
        EXPECT_EQ(refused(grant::acquire(owner.domain(), GrantRef{n}, user, false)),
                  GrantStatus::GNTST_bad_gntref);
    }
    owner.grant(entries - 1) = {permit, 2, 5};
    EXPECT_TRUE(grant::acquire(owner.domain(), GrantRef{entries - 1}, user, false).ok());
}

TEST_F(Use, only_own_ram_can_be_granted) {
    FakeDomain& other = machine.add_domain(3);
    // Page 200: RAM of another domain; 201: a page of the hypervisor; 202: nothing.
    ASSERT_TRUE(
        owner.domain().p2m.map(Gfn{200}, other.mfn(Gfn{1}), 1, hv::mm::Access::ReadWrite).ok());
    ASSERT_TRUE(owner.domain()
                    .p2m.map(Gfn{201}, owner.domain().shared_info_mfn, 1, hv::mm::Access::ReadWrite)
                    .ok());
    for (const uint32_t frame : {200U, 201U, 202U, ~0U}) {
        owner.grant(9) = {permit, 2, frame};
        EXPECT_EQ(refused(grant::acquire(owner.domain(), ref, user, true)),
                  GrantStatus::GNTST_bad_page);
        EXPECT_EQ(owner.grant(9).flags, permit);  // nothing stays marked
    }
    EXPECT_EQ(machine.foreign_mappings(other.mfn(Gfn{1})), 0U);
}

TEST_F(Use, plan_seeds_an_entry) {
    grant::seed(owner.domain(), GrantRef{0}, user, Gfn{0xfefff});
    EXPECT_EQ(owner.grant(0).flags, permit);
    EXPECT_EQ(owner.grant(0).domid, 2);
    EXPECT_EQ(owner.grant(0).frame, 0xfefffU);
}

TEST_F(Use, table_grows_to_its_limit) {
    grant::GrantTable& table = *owner.domain().grants;
    EXPECT_EQ(table.frame_count(), 1U);
    EXPECT_EQ(table.frame(1).value() - table.frame(0).value(), 1U);
    EXPECT_EQ(table.frame_count(), 2U);
    EXPECT_EQ(table.frame(2), std::nullopt);
    EXPECT_EQ(table.frame(0x80000000), std::nullopt);
    EXPECT_EQ(table.frame_count(), 2U);
    EXPECT_EQ(table.entry_count(), 1024U);
}

}  // namespace
