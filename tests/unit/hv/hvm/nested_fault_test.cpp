// SPDX-License-Identifier: Apache-2.0
// Nested page faults that nobody emulates: who is killed, and who just goes on.
#include "hv/hvm/lapic.hpp"
#include "hv/hvm/mmio.hpp"
#include "tests/fake/fake_machine.hpp"

#include <gtest/gtest.h>

namespace {

using hv::Gfn;
using hv::GuestPaddr;
using hv::mm::Access;

// EXITINFO1 of #VMEXIT(NPF), [apm2] 15.25.6.
constexpr uint64_t present = 1, write = 2, user = 4, fetch = 16;
constexpr uint64_t guest_walk = uint64_t{1} << 33;

class NestedFault : public testing::Test {
  protected:
    NestedFault() { vcpu.lapic = &lapic; }
    bool is_killed_by(uint64_t gfn, uint64_t error) {
        hv::hvm::handle_nested_page_fault(vcpu, to_gpaddr(Gfn{gfn}), error);
        return machine.ended.contains(&domain.domain());
    }
    void map(uint64_t gfn, Access access) {
        const hv::Mfn frame = machine.take_frames(1, hv::mm::FrameUse::Guest, domain.id());
        ASSERT_TRUE(domain.domain().p2m.map(Gfn{gfn}, frame, 1, access).ok());
    }

    FakeMachine machine;
    FakeDomain& domain = machine.add_domain(1);
    hv::domain::Vcpu& vcpu = domain.vcpu();
    hv::hvm::LocalApic lapic{hv::VcpuId{0}, false};
};

constexpr uint64_t nowhere = FakeDomain::ram_pages + 100;

TEST_F(NestedFault, memory_that_is_not_there_is_not_executed) {
    EXPECT_TRUE(is_killed_by(nowhere, user | fetch));
}

TEST_F(NestedFault, tables_that_are_not_there_are_not_walked) {
    EXPECT_TRUE(is_killed_by(nowhere, user | write | guest_walk));
}

TEST_F(NestedFault, what_is_there_by_now_is_tried_again) {
    map(nowhere, Access::ReadWriteExecute);
    EXPECT_FALSE(is_killed_by(nowhere, user | fetch));
    EXPECT_FALSE(is_killed_by(nowhere, user | write | guest_walk));
}

TEST_F(NestedFault, what_may_not_be_executed_is_not_tried_again) {
    map(nowhere, Access::ReadWrite);
    EXPECT_TRUE(is_killed_by(nowhere, present | user | fetch));
}

TEST_F(NestedFault, tables_in_read_only_memory_are_not_tried_again) {
    map(nowhere, Access::ReadOnly);
    EXPECT_FALSE(is_killed_by(nowhere, user | guest_walk));
    EXPECT_TRUE(is_killed_by(nowhere, present | user | write | guest_walk));
}

}  // namespace
