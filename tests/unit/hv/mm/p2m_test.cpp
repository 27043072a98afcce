// SPDX-License-Identifier: Apache-2.0
#include "hv/mm/p2m.hpp"

#include "tests/unit/hv/mm/physical_memory.hpp"
#include "tests/unit/hv/mm/table_walk.hpp"

#include <gtest/gtest.h>

namespace {

using hv::Gfn;
using hv::Mfn;
using hv::mm::Access;
using hv::mm::P2m;
using hv::mm::P2mError;

class P2mTest : public testing::Test {
  protected:
    P2mTest() { EXPECT_TRUE(p2m.init({Mfn{1}, 16}).ok()); }
    [[nodiscard]] Walked walk(uint64_t gfn) const {
        return walk_table(p2m.root(), gfn).value_or(Walked{});
    }

    PhysicalMemory memory{20};
    P2m p2m;
};

TEST_F(P2mTest, each_access_is_what_the_processor_allows) {
    struct Row {
        Access access;
        bool writable, executable;
    };
    uint64_t gfn = 10;
    for (const Row& row :
         {Row{Access::ReadWriteExecute, true, true}, Row{Access::ReadWrite, true, false},
          Row{Access::ReadOnly, false, false}}) {
        ASSERT_TRUE(p2m.map(Gfn{gfn}, Mfn{99}, 1, row.access).ok());
        EXPECT_EQ(walk(gfn).writable, row.writable);
        EXPECT_EQ(walk(gfn).executable, row.executable);
        EXPECT_NE(walk(gfn).entry & US, 0U);  // [apm2] 15.25.5: nested walks are user accesses
        EXPECT_EQ(walk(gfn).entry & (PCD | PWT), 0U);
        const auto found = p2m.lookup(Gfn{gfn});
        ASSERT_TRUE(found);
        EXPECT_EQ(found->mfn, Mfn{99});
        EXPECT_EQ(found->access, row.access);
        ++gfn;
    }
}

TEST_F(P2mTest, device_pages_are_uncached_and_not_executable) {
    ASSERT_TRUE(p2m.map_device(Gfn{7}, Mfn{0xfed40}, 5).ok());
    EXPECT_EQ(walk(11).frame, 0xfed44U);
    EXPECT_TRUE(walk(11).writable);
    EXPECT_FALSE(walk(11).executable);
    EXPECT_EQ(walk(11).entry & (PCD | PWT), PCD | PWT);
}

TEST_F(P2mTest, unmapped_pages_are_gone) {
    ASSERT_TRUE(p2m.map(Gfn{512}, Mfn{512}, 512, Access::ReadWriteExecute).ok());
    ASSERT_TRUE(p2m.unmap(Gfn{600}, 2).ok());
    EXPECT_FALSE(p2m.lookup(Gfn{600}));
    EXPECT_FALSE(p2m.lookup(Gfn{601}));
    EXPECT_EQ(p2m.lookup(Gfn{602})->mfn, Mfn{602});
    EXPECT_EQ(p2m.lookup(Gfn{602})->access, Access::ReadWriteExecute);
}

// A vCPU on another CPU may have the way to the old table in its cache until the flush.
TEST_F(P2mTest, table_that_falls_out_is_never_another_one) {
    ASSERT_TRUE(p2m.map(Gfn{512}, Mfn{17}, 1, Access::ReadWriteExecute).ok());
    const uint64_t before = p2m.tables_left();
    ASSERT_TRUE(p2m.map(Gfn{512}, Mfn{512}, 512, Access::ReadWriteExecute).ok());
    EXPECT_EQ(walk(512).level, 1U);
    EXPECT_EQ(p2m.tables_left(), before);
    ASSERT_TRUE(p2m.unmap(Gfn{0}, P2m::gfn_limit).ok());
    EXPECT_EQ(p2m.tables_left(), before);
    EXPECT_FALSE(p2m.lookup(Gfn{600}));
}

TEST_F(P2mTest, addresses_beyond_40_bits_are_refused) {
    constexpr uint64_t limit = uint64_t{1} << 28;
    constexpr uint64_t most = ~uint64_t{0};
    const uint64_t before = p2m.tables_left();
    for (const auto& [gfn, count] :
         {std::pair{limit, uint64_t{1}}, std::pair{limit - 1, uint64_t{2}},
          std::pair{most, uint64_t{1}}, std::pair{uint64_t{0}, most}, std::pair{most, most}}) {
        const auto mapped = p2m.map(Gfn{gfn}, Mfn{1}, count, Access::ReadWrite);
        ASSERT_FALSE(mapped.ok());
        EXPECT_EQ(mapped.error(), P2mError::BadAddress);
        EXPECT_FALSE(p2m.map_device(Gfn{gfn}, Mfn{1}, count).ok());
        EXPECT_FALSE(p2m.unmap(Gfn{gfn}, count).ok());
    }
    EXPECT_EQ(p2m.tables_left(), before);
    EXPECT_TRUE(p2m.map(Gfn{limit - 1}, Mfn{1}, 1, Access::ReadWrite).ok());
    EXPECT_FALSE(p2m.lookup(Gfn{limit}));
    EXPECT_FALSE(p2m.lookup(Gfn{most}));
    EXPECT_FALSE(p2m.with_page(Gfn{most}, false, [](std::byte*) { FAIL(); }));
}

TEST_F(P2mTest, used_up_pool_is_reported) {
    for (uint64_t gfn = 0;; gfn += 512) {
        ASSERT_LT(gfn, 512U * 16);
        const auto mapped = p2m.map(Gfn{gfn}, Mfn{1}, 1, Access::ReadOnly);
        if (!mapped.ok()) {
            EXPECT_EQ(mapped.error(), P2mError::NoTables);
            EXPECT_EQ(p2m.tables_left(), 0U);
            return;
        }
    }
}

TEST_F(P2mTest, page_is_lent_as_its_access_allows) {
    ASSERT_TRUE(p2m.map(Gfn{1}, Mfn{18}, 1, Access::ReadWrite).ok());
    ASSERT_TRUE(p2m.map(Gfn{2}, Mfn{19}, 1, Access::ReadOnly).ok());
    EXPECT_TRUE(p2m.with_page(
        Gfn{1}, true, [](std::byte* page) { EXPECT_EQ(page, hv::mm::direct_map(Mfn{18})); }));
    EXPECT_TRUE(p2m.with_page(
        Gfn{2}, false, [](std::byte* page) { EXPECT_EQ(page, hv::mm::direct_map(Mfn{19})); }));
    EXPECT_FALSE(p2m.with_page(Gfn{2}, true, [](std::byte*) { FAIL(); }));
    EXPECT_FALSE(p2m.with_page(Gfn{3}, false, [](std::byte*) { FAIL(); }));
}

}  // namespace
