// SPDX-License-Identifier: Apache-2.0
#include "hv/grant/copy.hpp"

#include "hv/abi/xen_hypercall.hpp"
#include "tests/unit/hv/grant/grant_fixture.hpp"

#include <cstring>

namespace {

using hv::Gfn;
using hv::abi::GrantStatus;
namespace abi = hv::abi;

class GrantCopy : public TwoDomains {
  protected:
    static abi::GnttabCopyPtr own(uint64_t gfn, uint16_t offset = 0) {
        abi::GnttabCopyPtr ptr{};
        ptr.u.gmfn = gfn;
        ptr.domid = abi::DOMID_SELF;
        ptr.offset = offset;
        return ptr;
    }
    [[nodiscard]] abi::GnttabCopyPtr granted(uint32_t ref, uint16_t offset = 0) const {
        abi::GnttabCopyPtr ptr{};
        ptr.u.ref = ref;
        ptr.domid = owner.id().value();
        ptr.offset = offset;
        return ptr;
    }
    GrantStatus copy(abi::GnttabCopyPtr from, abi::GnttabCopyPtr to, uint16_t len, int flags) {
        abi::GnttabCopy op{};
        op.source = from;
        op.dest = to;
        op.len = len;
        op.flags = static_cast<uint16_t>(flags);
        return hv::grant::copy(user.domain(), op);
    }
    static constexpr int from_grant = abi::GNTCOPY_source_gref;
    static constexpr int to_grant = abi::GNTCOPY_dest_gref;
};

TEST_F(GrantCopy, granted_page_to_own_page) {
    grant(8, 3, abi::GTF_readonly);
    std::memcpy(owner.page(Gfn{3}) + 100, "hello", 5);
    EXPECT_EQ(copy(granted(8, 100), own(6, 4091), 5, from_grant), GrantStatus::GNTST_okay);
    EXPECT_EQ(std::memcmp(user.page(Gfn{6}) + 4091, "hello", 5), 0);
    EXPECT_EQ(owner.grant(8).flags, permit | abi::GTF_readonly);
    EXPECT_EQ(machine.foreign_mappings(owner.mfn(Gfn{3})), 0U);
}

TEST_F(GrantCopy, own_page_to_granted_page) {
    grant(8, 3);
    std::memcpy(user.page(Gfn{6}), "hello", 5);
    EXPECT_EQ(copy(own(6), granted(8), 5, to_grant), GrantStatus::GNTST_okay);
    EXPECT_EQ(std::memcmp(owner.page(Gfn{3}), "hello", 5), 0);
    EXPECT_EQ(owner.grant(8).flags, permit);
}

TEST_F(GrantCopy, between_two_granted_pages_of_two_domains) {
    FakeDomain& third = machine.add_domain(1);
    third.grant(9) = {permit, user.id().value(), 4};
    grant(8, 3);
    std::memcpy(owner.page(Gfn{3}), "hello", 5);
    abi::GnttabCopyPtr to = granted(9);
    to.domid = third.id().value();
    EXPECT_EQ(copy(granted(8), to, 5, from_grant | to_grant), GrantStatus::GNTST_okay);
    EXPECT_EQ(std::memcmp(third.page(Gfn{4}), "hello", 5), 0);
}

TEST_F(GrantCopy, between_own_pages_and_within_one_grant) {
    std::memcpy(user.page(Gfn{6}), "hello", 5);
    EXPECT_EQ(copy(own(6), own(7), 4096, 0), GrantStatus::GNTST_okay);
    EXPECT_EQ(std::memcmp(user.page(Gfn{7}), "hello", 5), 0);
    grant(8, 3);
    std::memcpy(owner.page(Gfn{3}), "abcdef", 6);
    EXPECT_EQ(copy(granted(8), granted(8, 2), 4, from_grant | to_grant), GrantStatus::GNTST_okay);
    EXPECT_EQ(std::memcmp(owner.page(Gfn{3}), "ababcd", 6), 0);
    EXPECT_EQ(owner.grant(8).flags, permit);
}

TEST_F(GrantCopy, nothing_crosses_a_page) {
    EXPECT_EQ(copy(own(6, 4095), own(7), 1, 0), GrantStatus::GNTST_okay);
    EXPECT_EQ(copy(own(6, 4095), own(7), 2, 0), GrantStatus::GNTST_bad_copy_arg);
    EXPECT_EQ(copy(own(6), own(7, 1), 4096, 0), GrantStatus::GNTST_bad_copy_arg);
    EXPECT_EQ(copy(own(6), own(7, 0xffff), 0xffff, 0), GrantStatus::GNTST_bad_copy_arg);
}

TEST_F(GrantCopy, frame_numbers_of_other_domains_are_refused) {
    abi::GnttabCopyPtr from = own(3);
    from.domid = owner.id().value();
    EXPECT_EQ(copy(from, own(7), 1, 0), GrantStatus::GNTST_permission_denied);
    EXPECT_EQ(copy(own(7), from, 1, 0), GrantStatus::GNTST_permission_denied);
}

TEST_F(GrantCopy, errors_of_either_end_are_reported_and_the_other_is_released) {
    grant(8, 3);
    grant(9, 4, abi::GTF_readonly);
    EXPECT_EQ(copy(own(1000), granted(8), 1, to_grant), GrantStatus::GNTST_bad_page);
    EXPECT_EQ(copy(granted(8), own(1000), 1, from_grant), GrantStatus::GNTST_bad_page);
    EXPECT_EQ(owner.grant(8).flags, permit);
    EXPECT_EQ(copy(granted(8), granted(9), 1, from_grant | to_grant),
              GrantStatus::GNTST_general_error);
    EXPECT_EQ(owner.grant(8).flags, permit);
    EXPECT_EQ(copy(granted(99999), own(7), 1, from_grant), GrantStatus::GNTST_bad_gntref);
    EXPECT_EQ(machine.foreign_mappings(owner.mfn(Gfn{3})), 0U);
}

TEST_F(GrantCopy, unknown_and_dying_domains_are_refused) {
    grant(8, 3);
    abi::GnttabCopyPtr from = granted(8);
    from.domid = 77;
    EXPECT_EQ(copy(from, own(7), 1, from_grant), GrantStatus::GNTST_bad_domain);
    owner.domain().is_dying = true;
    EXPECT_EQ(copy(granted(8), own(7), 1, from_grant), GrantStatus::GNTST_bad_domain);
}

TEST_F(GrantCopy, frames_mapped_from_others_are_not_own) {
    grant(8, 3);
    ASSERT_EQ(map(8, window).status, 0);
    EXPECT_EQ(copy(own(window), own(7), 1, 0), GrantStatus::GNTST_bad_page);
}

}  // namespace
