// SPDX-License-Identifier: Apache-2.0
#include "hv/mm/host_map.hpp"

#include "tests/unit/hv/mm/physical_memory.hpp"
#include "tests/unit/hv/mm/table_walk.hpp"

#include <gtest/gtest.h>

namespace {

using hv::Mfn;
using hv::Paddr;
using hv::mm::HostMap;
using hv::mm::Protection;

constexpr uint64_t mib = 1 << 20;

class HostMapTest : public testing::Test {
  protected:
    HostMapTest() { EXPECT_TRUE(host_map.init({Mfn{1}, 16}).ok()); }
    void map(uint64_t first, uint64_t bytes, Protection protection) {
        ASSERT_TRUE(host_map.map(Paddr{first}, bytes, protection).ok());
    }
    [[nodiscard]] std::optional<Walked> walk(uint64_t address) const {
        return walk_table(host_map.root(), address >> 12);
    }

    PhysicalMemory memory{17};
    HostMap host_map;
};

TEST_F(HostMapTest, nothing_is_writable_and_executable) {
    uint64_t at = 4 * mib;
    for (const Protection p :
         {Protection::Code, Protection::ReadOnly, Protection::Data, Protection::Device}) {
        map(at, hv::page_size, p);
        const auto page = walk(at);
        ASSERT_TRUE(page);
        EXPECT_EQ(page->frame, at >> 12) << "one address for each frame, equal to its own";
        EXPECT_FALSE(page->writable && page->executable);
        EXPECT_EQ(page->executable, p == Protection::Code);
        EXPECT_EQ(page->writable, p == Protection::Data || p == Protection::Device);
        EXPECT_EQ(page->entry & (PWT | PCD), p == Protection::Device ? (PWT | PCD) : 0);
        EXPECT_EQ(page->entry & US, 0U);
        at += hv::page_size;
    }
}

// As boot does it: all RAM as data first, then the parts of the image.
TEST_F(HostMapTest, image_is_carved_out_of_ram) {
    map(0, 64 * mib, Protection::Data);
    map(2 * mib, 3 * hv::page_size, Protection::Code);
    map(2 * mib + 3 * hv::page_size, hv::page_size, Protection::ReadOnly);
    ASSERT_TRUE(host_map.unmap_page(Paddr{0}).ok());
    EXPECT_FALSE(walk(0));
    for (uint64_t at = hv::page_size; at < 64 * mib; at += hv::page_size) {
        const auto page = walk(at);
        ASSERT_TRUE(page);
        ASSERT_EQ(page->frame, at >> 12);
        const bool is_code = at >= 2 * mib && at < 2 * mib + 3 * hv::page_size;
        const bool is_constant = at == 2 * mib + 3 * hv::page_size;
        ASSERT_EQ(page->executable, is_code);
        ASSERT_EQ(page->writable, !is_code && !is_constant);
    }
    EXPECT_FALSE(walk(64 * mib));
}

TEST_F(HostMapTest, sizes_are_rounded_up_to_pages) {
    map(mib, 1, Protection::Data);
    map(3 * mib, hv::page_size + 1, Protection::Data);
    EXPECT_TRUE(walk(mib));
    EXPECT_FALSE(walk(mib + hv::page_size));
    EXPECT_TRUE(walk(3 * mib + hv::page_size));
    EXPECT_FALSE(walk(3 * mib + 2 * hv::page_size));
}

}  // namespace
