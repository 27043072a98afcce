// SPDX-License-Identifier: Apache-2.0
#include "hv/boot/free_frames.hpp"

#include <initializer_list>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace {

using hv::Paddr;
using hv::boot::BootInfo;
using hv::boot::PhysicalRange;
using Ranges = std::vector<std::pair<uint64_t, uint64_t>>;  // first byte, end

constexpr uint64_t mib = 1 << 20;
constexpr PhysicalRange image{Paddr{1 * mib}, 0x66000};

template <class List>
void fill(List& list, const Ranges& ranges) {
    for (const auto& [first, end] : ranges) {
        ASSERT_TRUE(list.push({Paddr{first}, end - first}).ok());
    }
}
BootInfo machine(const Ranges& ram, const Ranges& reserved = {}) {
    BootInfo info;
    fill(info.ram, ram);
    fill(info.reserved, reserved);
    return info;
}
Ranges free_of(const BootInfo& info) {
    hv::mm::Extents free;
    EXPECT_TRUE(hv::boot::find_free_frames(info, image, free).ok());
    Ranges found;
    for (const hv::mm::Extent& e : free.ranges()) {
        found.emplace_back(e.first.value() << 12, (e.first + e.count).value() << 12);
    }
    return found;
}

TEST(FreeFrames, are_ram_above_the_image) {
    EXPECT_EQ(free_of(machine({{0, 0x9fc00}, {1 * mib, 64 * mib}})),
              (Ranges{{1 * mib + 0x66000, 64 * mib}}));
}

TEST(FreeFrames, are_without_modules_and_loader_data) {
    BootInfo info = machine({{0, 64 * mib}});
    fill(info.modules, {{2 * mib, 3 * mib + 1}});
    fill(info.loader_data, {{4 * mib - 1, 4 * mib + 1}});
    EXPECT_EQ(free_of(info), (Ranges{{1 * mib + 0x66000, 2 * mib},
                                     {3 * mib + 0x1000, 4 * mib - 0x1000},
                                     {4 * mib + 0x1000, 64 * mib}}));
}

TEST(FreeFrames, ram_listed_twice_is_there_once) {
    const Ranges once{{16 * mib, 32 * mib}};
    EXPECT_EQ(free_of(machine({{16 * mib, 32 * mib}, {16 * mib, 32 * mib}})), once);
    EXPECT_EQ(free_of(machine({{16 * mib, 32 * mib}, {20 * mib, 24 * mib}})), once) << "within";
    EXPECT_EQ(free_of(machine({{20 * mib, 24 * mib}, {16 * mib, 32 * mib}})), once) << "around";
    EXPECT_EQ(free_of(machine({{16 * mib, 24 * mib}, {20 * mib, 32 * mib}})), once) << "above";
    EXPECT_EQ(free_of(machine({{20 * mib, 32 * mib}, {16 * mib, 24 * mib}})), once) << "below";
    EXPECT_EQ(free_of(machine({{16 * mib, 20 * mib}, {28 * mib, 32 * mib}, {18 * mib, 30 * mib}})),
              once)
        << "across a gap";
}

TEST(FreeFrames, reserved_memory_is_not_free_even_within_ram) {
    EXPECT_EQ(free_of(machine({{16 * mib, 32 * mib}}, {{20 * mib + 1, 20 * mib + 2}})),
              (Ranges{{16 * mib, 20 * mib}, {20 * mib + 0x1000, 32 * mib}}));
    EXPECT_EQ(free_of(machine({{16 * mib, 32 * mib}}, {{8 * mib, ~uint64_t{0}}})), Ranges{});
}

TEST(FreeFrames, parts_of_frames_are_not_free) {
    EXPECT_EQ(free_of(machine({{16 * mib + 1, 32 * mib - 1}})),
              (Ranges{{16 * mib + 0x1000, 32 * mib - 0x1000}}));
    EXPECT_EQ(free_of(machine({{16 * mib + 1, 16 * mib + 0x1fff}})), Ranges{});
}

TEST(FreeFrames, memory_beyond_what_is_supported_is_left_alone) {
    constexpr uint64_t limit = uint64_t{1} << 39;
    const BootInfo info = machine({{limit - mib, limit + mib}, {2 * limit, 3 * limit}});
    EXPECT_EQ(free_of(info), (Ranges{{limit - mib, limit}}));
    EXPECT_EQ(hv::boot::end_of_ram(info), limit >> 12);
}

TEST(FreeFrames, end_of_ram_is_the_highest_end_in_any_order) {
    EXPECT_EQ(hv::boot::end_of_ram(machine({{64 * mib, 128 * mib}, {0, mib}})), 128 * mib >> 12);
}

}  // namespace
