// SPDX-License-Identifier: Apache-2.0
#include "hv/mm/frame_table.hpp"

#include <array>

#include <gtest/gtest.h>

namespace {

using hv::DomainId;
using hv::Mfn;
using hv::mm::FrameInfo;
using hv::mm::FrameTable;
using hv::mm::FrameUse;

class FrameTableTest : public testing::Test {
  protected:
    FrameTableTest() { table.init(frames); }
    std::array<FrameInfo, 32> frames{};
    FrameTable table;
};

TEST_F(FrameTableTest, frames_start_absent_and_end_absent) {
    EXPECT_EQ(table.frame_count(), 32U);
    EXPECT_EQ(table.count(FrameUse::Absent), 32U);
    for (const uint64_t beyond : {uint64_t{32}, uint64_t{1} << 40, ~uint64_t{0}}) {
        EXPECT_EQ(table.get(Mfn{beyond}).use, FrameUse::Absent);
        EXPECT_FALSE(table.is_guest_frame_of(Mfn{beyond}, DomainId{}));
    }
}

TEST_F(FrameTableTest, empty_table_knows_no_frame) {
    const FrameTable empty;
    EXPECT_EQ(empty.get(Mfn{0}).use, FrameUse::Absent);
}

TEST_F(FrameTableTest, range_gets_use_and_owner) {
    table.set(Mfn{4}, 3, FrameUse::Guest, DomainId{5});
    EXPECT_EQ(table.count(FrameUse::Guest), 3U);
    for (uint64_t n = 0; n < 32; ++n) {
        EXPECT_EQ(table.is_guest_frame_of(Mfn{n}, DomainId{5}), n >= 4 && n < 7) << n;
        EXPECT_FALSE(table.is_guest_frame_of(Mfn{n}, DomainId{6}));
    }
    table.set(Mfn{31}, 1, FrameUse::Free);
    EXPECT_EQ(table.get(Mfn{31}).use, FrameUse::Free);
}

TEST_F(FrameTableTest, only_ram_in_use_is_the_guests) {
    for (const FrameUse use : {FrameUse::Absent, FrameUse::Free, FrameUse::Hypervisor,
                               FrameUse::Module, FrameUse::SetAside, FrameUse::EventLog}) {
        table.set(Mfn{1}, 1, use, DomainId{5});
        EXPECT_FALSE(table.is_guest_frame_of(Mfn{1}, DomainId{5}));
    }
}

TEST_F(FrameTableTest, foreign_mappings_are_counted) {
    table.set(Mfn{2}, 1, FrameUse::Guest, DomainId{1});
    table.add_foreign_mapping(Mfn{2});
    table.add_foreign_mapping(Mfn{2});
    EXPECT_EQ(table.get(Mfn{2}).foreign_mappings, 2U);
    table.drop_foreign_mapping(Mfn{2});
    EXPECT_EQ(table.get(Mfn{2}).foreign_mappings, 1U);
    EXPECT_EQ(table.get(Mfn{3}).foreign_mappings, 0U);
}

TEST_F(FrameTableTest, frames_set_aside_form_a_list) {
    table.set(Mfn{10}, 3, FrameUse::Guest, DomainId{1});
    Mfn first{};
    for (const uint64_t n : {10, 12, 11}) {
        table.set_aside(Mfn{n}, first);
        first = Mfn{n};
    }
    EXPECT_EQ(table.count(FrameUse::SetAside), 3U);
    for (const uint64_t n : {11, 12, 10}) {
        ASSERT_EQ(first, Mfn{n});
        EXPECT_EQ(table.get(first).owner, DomainId{1});
        first = table.take_back(first);
        EXPECT_TRUE(table.is_guest_frame_of(Mfn{n}, DomainId{1}));
        EXPECT_EQ(table.get(Mfn{n}).foreign_mappings, 0U);
    }
    EXPECT_EQ(first, Mfn{});
}

using FrameTableDeath = FrameTableTest;

TEST_F(FrameTableDeath, misuse_is_a_bug) {
    table.set(Mfn{2}, 1, FrameUse::Guest, DomainId{1});
    EXPECT_DEATH(table.set(Mfn{31}, 2, FrameUse::Free), "bug");
    EXPECT_DEATH(table.drop_foreign_mapping(Mfn{2}), "bug");
    EXPECT_DEATH(table.add_foreign_mapping(Mfn{32}), "bug");
    EXPECT_DEATH(table.set_aside(Mfn{1}, Mfn{}), "bug");              // not RAM of a guest
    EXPECT_DEATH(table.take_back(Mfn{2}), "bug");                     // not set aside
    EXPECT_DEATH(table.keep_for(Mfn{2}, DomainId{1}, Mfn{}), "bug");  // not free
    table.add_foreign_mapping(Mfn{2});
    EXPECT_DEATH(table.set_aside(Mfn{2}, Mfn{}), "bug");  // others have it mapped
}

}  // namespace
