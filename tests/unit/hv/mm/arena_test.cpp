// SPDX-License-Identifier: Apache-2.0
#include "hv/mm/arena.hpp"

#include "hv/mm/frame_table.hpp"
#include "tests/unit/hv/mm/physical_memory.hpp"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

namespace {

using hv::Mfn;
using hv::mm::Arena;
using hv::mm::ExtentError;
using hv::mm::Extents;

class ArenaTest : public testing::Test {
  protected:
    static constexpr uint64_t frame_count = 64;
    ArenaTest() { EXPECT_TRUE(free_frames.add({Mfn{1}, frame_count}).ok()); }
    static bool is_zero(const std::byte* at, size_t bytes) {
        return std::all_of(at, at + bytes, [](std::byte b) { return b == std::byte{0}; });
    }

    PhysicalMemory memory{frame_count + 1};
    Extents free_frames;
    Arena arena{free_frames};
};

// What hv shares with a domain is told from free memory by this (hv/domain/physmap.cpp).
TEST_F(ArenaTest, frames_become_the_hypervisors) {
    using hv::mm::machine_frames;
    std::vector<hv::mm::FrameInfo> table(frame_count + 1, {.use = hv::mm::FrameUse::Free});
    machine_frames.init(table);
    auto got = arena.frames(3);
    ASSERT_TRUE(got.ok());
    const Mfn first = got.take();
    EXPECT_EQ(machine_frames.count(hv::mm::FrameUse::Hypervisor), 3U);
    EXPECT_EQ(machine_frames.get(first + 2).use, hv::mm::FrameUse::Hypervisor);
    machine_frames.init({});
}

TEST_F(ArenaTest, bytes_are_zeroed_aligned_and_their_own) {
    std::vector<std::pair<std::byte*, size_t>> taken;
    for (const auto& [size, alignment] :
         {std::pair{1, 1}, std::pair{24, 8}, std::pair{100, 64}, std::pair{4095, 4096},
          std::pair{3, 2}, std::pair{4096, 8}, std::pair{9000, 4096}}) {
        auto got = arena.bytes(static_cast<uint64_t>(size), static_cast<uint64_t>(alignment));
        ASSERT_TRUE(got.ok());
        std::byte* at = got.take();
        EXPECT_EQ(hv::mm::to_paddr(at).value() % static_cast<uint64_t>(alignment), 0U);
        EXPECT_TRUE(is_zero(at, static_cast<size_t>(size)));
        std::fill_n(at, size, std::byte{0xff});  // shows if a later one lies in it
        taken.emplace_back(at, size);
    }
    std::sort(taken.begin(), taken.end());
    for (size_t n = 1; n < taken.size(); ++n) {
        EXPECT_LE(taken[n - 1].first + taken[n - 1].second, taken[n].first);
    }
}

TEST_F(ArenaTest, small_objects_share_a_chunk) {
    ASSERT_TRUE(arena.bytes(64, 64).ok());
    const uint64_t left = free_frames.free_count();
    for (unsigned n = 1; n < 16 * hv::page_size / 64; ++n) {
        ASSERT_TRUE(arena.bytes(64, 64).ok());
    }
    EXPECT_EQ(free_frames.free_count(), left);
    ASSERT_TRUE(arena.bytes(64, 64).ok());
    EXPECT_LT(free_frames.free_count(), left);
}

TEST_F(ArenaTest, large_objects_take_whole_frames) {
    ASSERT_TRUE(arena.bytes(hv::page_size + 1, 8).ok());
    EXPECT_EQ(free_frames.free_count(), frame_count - 2);
}

TEST_F(ArenaTest, exhaustion_is_reported) {
    const auto too_much = arena.bytes((frame_count + 1) * hv::page_size, 8);
    ASSERT_FALSE(too_much.ok());
    EXPECT_EQ(too_much.error(), ExtentError::NoMemory);
    ASSERT_TRUE(arena.frames(frame_count).ok());
    EXPECT_FALSE(arena.frames(1).ok());
    EXPECT_FALSE(arena.bytes(1, 1).ok());
    struct Object {
        uint64_t value = 0;
    };
    EXPECT_FALSE(arena.make<Object>().ok());
    EXPECT_FALSE(arena.array<Object>(3).ok());
}

TEST_F(ArenaTest, makes_objects_with_their_constructor) {
    struct alignas(64) Object {
        explicit Object(int v) : value{v} {}
        int value;
        int other = 7;
    };
    Object* made = arena.make<Object>(5).take();
    EXPECT_EQ(made->value, 5);
    EXPECT_EQ(made->other, 7);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(made) % 64, 0U);
}

TEST_F(ArenaTest, makes_arrays_of_default_objects) {
    struct Object {
        uint32_t value = 9;
    };
    const auto items = arena.array<Object>(3000).take();
    ASSERT_EQ(items.size(), 3000U);
    EXPECT_TRUE(
        std::all_of(items.begin(), items.end(), [](const Object& o) { return o.value == 9; }));
    EXPECT_TRUE(arena.array<Object>(0).take().empty());
}

}  // namespace
