// SPDX-License-Identifier: Apache-2.0
#include "domb/builder/placement.hpp"

#include "domb/builder/physical_layout.hpp"

#include <gtest/gtest.h>

namespace builder {
namespace {

constexpr uint64_t MiB = 1 << 20;
constexpr uint64_t GiB = 1 << 30;

Kernel kernel_at(std::initializer_list<std::pair<uint64_t, uint64_t>> segments) {
    Kernel kernel;
    for (const auto& [gpaddr, bytes] : segments) {
        EXPECT_TRUE(kernel.segments.push({{}, gpaddr, bytes}).ok());
    }
    return kernel;
}

// The initrd's address, or 0 and `why` when refused.
uint64_t initrd_at(const Kernel& kernel, uint64_t initrd_bytes, uint64_t memory, Refusal& why) {
    auto placed = place(kernel, initrd_bytes, memory);
    if (!placed.ok()) {
        why = placed.error().why;
        return 0;
    }
    return placed.take().initrd;
}

Refusal why_refused(const Kernel& kernel, uint64_t initrd_bytes, uint64_t memory) {
    Refusal why{};
    EXPECT_EQ(initrd_at(kernel, initrd_bytes, memory, why), 0U);
    return why;
}

TEST(Placement, puts_the_initrd_at_the_end_of_ram_in_whole_pages) {
    Refusal why{};
    const Kernel kernel = kernel_at({{16 * MiB, 32 * MiB}});
    EXPECT_EQ(initrd_at(kernel, 4096, 256 * MiB, why), 256 * MiB - 4096);
    EXPECT_EQ(initrd_at(kernel, 4097, 256 * MiB, why), 256 * MiB - 8192);
}

TEST(Placement, keeps_the_initrd_below_the_limit_of_linux) {
    Refusal why{};
    const Kernel kernel = kernel_at({{16 * MiB, 32 * MiB}});
    EXPECT_EQ(initrd_at(kernel, 4096, 8 * GiB, why), 2 * GiB - 4096);
}

TEST(Placement, moves_the_initrd_below_segments_in_its_way) {
    Refusal why{};
    const Kernel kernel = kernel_at({{250 * MiB, 6 * MiB}, {16 * MiB, MiB}, {240 * MiB, 9 * MiB}});
    EXPECT_EQ(initrd_at(kernel, 4 * MiB, 256 * MiB, why), 236 * MiB);
    EXPECT_EQ(initrd_at(kernel, MiB, 256 * MiB, why), 249 * MiB);
    // Only what lies below the first segment fits; then nothing does.
    const Kernel full = kernel_at({{2 * MiB, 254 * MiB}});
    EXPECT_EQ(initrd_at(full, MiB, 256 * MiB, why), MiB);
    EXPECT_EQ(why_refused(full, MiB + 1, 256 * MiB), Refusal::TooLittleMemory);
}

TEST(Placement, shares_no_page_between_initrd_and_kernel) {
    Refusal why{};
    const Kernel kernel = kernel_at({{128 * MiB + 0x800, 128 * MiB - 0x800}});
    EXPECT_EQ(initrd_at(kernel, 0x900, 256 * MiB, why), 128 * MiB - 0x1000);
    const Kernel below = kernel_at({{16 * MiB, 16 * MiB + 1}});
    EXPECT_EQ(why_refused(below, 16 * MiB, 48 * MiB), Refusal::TooLittleMemory);
}

TEST(Placement, refuses_an_initrd_larger_than_anything) {
    for (const uint64_t bytes : {257 * MiB, UINT64_MAX - 4096, UINT64_MAX}) {
        EXPECT_EQ(why_refused(kernel_at({{16 * MiB, MiB}}), bytes, 256 * MiB),
                  Refusal::TooLittleMemory);
    }
}

TEST(Placement, refuses_segments_outside_ram) {
    EXPECT_EQ(why_refused(kernel_at({{layout::tables, 1}}), 0, 256 * MiB), Refusal::OutsideRam);
    EXPECT_EQ(why_refused(kernel_at({{layout::tables - 1, 2}}), 0, 256 * MiB), Refusal::OutsideRam);
    EXPECT_EQ(why_refused(kernel_at({{layout::low_ram_limit - 1, 2}}), 0, 4 * GiB),
              Refusal::OutsideRam);
    EXPECT_EQ(why_refused(kernel_at({{5 * GiB, 1}}), 0, 8 * GiB), Refusal::OutsideRam);
    Refusal why = Refusal::Hypervisor;
    initrd_at(kernel_at({{0, layout::tables}, {MiB, layout::low_ram_limit - MiB}}), 0, 4 * GiB,
              why);
    EXPECT_EQ(why, Refusal::Hypervisor);
}

TEST(Placement, refuses_a_kernel_beyond_the_domains_memory) {
    const Kernel kernel = kernel_at({{16 * MiB, 32 * MiB}});
    EXPECT_EQ(why_refused(kernel, 0, 48 * MiB - 1), Refusal::TooLittleMemory);
    EXPECT_TRUE(place(kernel, 0, 48 * MiB).ok());
    EXPECT_EQ(why_refused(kernel_at({{0, 1}}), 0, MiB - 1), Refusal::TooLittleMemory);
}

// The map as (start, bytes, type).
std::string text_of(const layout::MemoryMap& map) {
    std::string out;
    for (const auto& r : map) {
        char line[80];
        snprintf(line, sizeof(line), "%lx+%lx:%u ", r.gpaddr, r.bytes,
                 static_cast<unsigned>(r.type));
        out += line;
    }
    return out;
}

TEST(MemoryMap, of_a_small_domain) {
    EXPECT_EQ(text_of(layout::memory_map(256 * MiB, 0)),
              "0+e0000:1 e0000+20000:3 100000+ff00000:1 feff8000+8000:2 ");
}

TEST(MemoryMap, splits_ram_at_the_hole_and_reserves_the_log) {
    EXPECT_EQ(text_of(layout::memory_map(4 * GiB, 0x3001)),
              "0+e0000:1 e0000+20000:3 100000+bff00000:1 fc000000+4000:2 feff8000+8000:2 "
              "100000000+40000000:1 ");
    EXPECT_EQ(text_of(layout::memory_map(layout::low_ram_limit, 0)),
              "0+e0000:1 e0000+20000:3 100000+bff00000:1 feff8000+8000:2 ");
}

}  // namespace
}  // namespace builder
