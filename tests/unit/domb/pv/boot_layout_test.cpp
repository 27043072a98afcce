// SPDX-License-Identifier: Apache-2.0
#include "domb/builder/pv/boot_layout.hpp"

#include <array>

#include <gtest/gtest.h>

namespace builder::pv {
namespace {

constexpr uint64_t base = 0xffffffff80000000;
constexpr uint64_t mib = 256;  // pages

Kernel kernel_of(uint64_t end, uint64_t virt_base = base) {
    Kernel kernel;
    kernel.virt_base = virt_base;
    kernel.end = end;
    return kernel;
}

Kernel linux_like() {
    Kernel kernel = kernel_of(0x1800123);
    kernel.init_p2m = 0x8000000000;
    kernel.takes_unmapped_initrd = true;
    return kernel;
}

std::optional<Refused> refusal_of(const Kernel& kernel, uint64_t initrd, uint64_t pages) {
    const auto layout = lay_out(kernel, initrd, pages);
    return layout.ok() ? std::nullopt : std::optional{layout.error()};
}

TEST(PvBootLayout, packs_the_elements_in_the_order_of_the_abi) {
    auto result = lay_out(kernel_of(0x801001), 0x2001, 64 * mib);
    ASSERT_TRUE(result.ok());
    const BootLayout layout = result.take();
    EXPECT_EQ(layout.initrd.first, Pfn{0x802});
    EXPECT_EQ(layout.initrd.count, 3U);
    EXPECT_TRUE(layout.initrd_is_mapped);
    EXPECT_EQ(layout.p2m_list.first, Pfn{0x805});
    EXPECT_EQ(layout.p2m_list.count, 32U);
    EXPECT_EQ(layout.start_info, Pfn{0x825});
    EXPECT_EQ(layout.xenstore, Pfn{0x826});
    EXPECT_EQ(layout.console, Pfn{0x827});
    EXPECT_EQ(layout.page_tables.first, Pfn{0x828});
    // 12 MiB: six L1s, and one of each of the others.
    EXPECT_EQ(layout.page_tables.count, 9U);
    EXPECT_EQ(layout.stack, Pfn{0x831});
    EXPECT_EQ(layout.boot.pages, 12 * mib);
    EXPECT_EQ(layout.boot.virt, base);
    EXPECT_EQ(layout.p2m.pages, 0U);
    EXPECT_EQ(layout.virt(layout.start_info), base + 0x825000);
}

TEST(PvBootLayout, keeps_half_a_mebibyte_free_at_the_end_of_4_mib) {
    // 6 pages come after the kernel, and up to 4 MiB three L1s at most.
    for (uint64_t kernel_pages = 0x700; kernel_pages < 0x900; ++kernel_pages) {
        auto result = lay_out(kernel_of(kernel_pages << hv::page_shift), 0, 64 * mib);
        ASSERT_TRUE(result.ok());
        const BootLayout layout = result.take();
        EXPECT_EQ(layout.boot.pages % (4 * mib), 0U);
        const uint64_t padding = layout.boot.pages - (layout.stack.value() + 1);
        EXPECT_GE(padding, mib / 2) << kernel_pages;
        EXPECT_LT(padding, 4 * mib + mib / 2) << kernel_pages;
        EXPECT_EQ(layout.page_tables.count, 3 + layout.boot.pages / 512);
        EXPECT_EQ(layout.stack, layout.page_tables.end());
    }
}

TEST(PvBootLayout, ends_on_4_mib_of_virtual_memory_wherever_it_begins) {
    auto result = lay_out(kernel_of(0x801001, 0x12345000), 0, 64 * mib);
    ASSERT_TRUE(result.ok());
    const BootLayout layout = result.take();
    EXPECT_EQ((layout.boot.virt + (layout.boot.pages << hv::page_shift)) % (4 << 20), 0U);
    // It begins and ends in the middle of an L1's part.
    EXPECT_EQ(layout.page_tables.count, 3 + (layout.boot.pages + 511) / 512);
}

TEST(PvBootLayout, puts_the_initrd_and_the_p2m_list_beyond_the_mapping) {
    auto result = lay_out(linux_like(), 0x5000, 128 * mib);
    ASSERT_TRUE(result.ok());
    const BootLayout layout = result.take();
    EXPECT_FALSE(layout.initrd_is_mapped);
    EXPECT_EQ(layout.start_info, Pfn{0x1801});
    EXPECT_EQ(layout.initrd.first, Pfn{layout.boot.pages});
    EXPECT_EQ(layout.p2m_list.first, layout.initrd.end());
    EXPECT_EQ(layout.p2m_list.count, 64U);
    EXPECT_EQ(layout.p2m.virt, 0x8000000000U);
    EXPECT_EQ(layout.p2m_tables.first, layout.p2m_list.end());
    EXPECT_EQ(layout.p2m_tables.count, 3U);
}

TEST(PvBootLayout, shares_tables_between_the_two_areas) {
    Kernel kernel = linux_like();
    kernel.virt_base = 0x8000000000;
    kernel.init_p2m = 0x8000000000 + (uint64_t{1} << 30) - 0x1000;  // last page under that L2
    auto result = lay_out(kernel, 0, 128 * mib);
    ASSERT_TRUE(result.ok());
    // L1s on both sides of the boundary and one more L2.
    EXPECT_EQ(result.take().p2m_tables.count, 3U);
}

TEST(PvBootLayout, needs_room_for_everything) {
    auto large = lay_out(linux_like(), 0x500000, 1024 * mib);
    ASSERT_TRUE(large.ok());
    const BootLayout layout = large.take();
    // With less memory the list is shorter, by one page for 512.
    uint64_t least = layout.p2m_tables.end().value();
    while (!refusal_of(linux_like(), 0x500000, least)) {
        --least;
    }
    EXPECT_EQ(refusal_of(linux_like(), 0x500000, least)->why, Refusal::TooLittleMemory);
    EXPECT_EQ(refusal_of(linux_like(), 0x500000, least)->member, "/memory");
    auto fits = lay_out(linux_like(), 0x500000, least + 1);
    ASSERT_TRUE(fits.ok());
    EXPECT_EQ(fits.take().p2m_tables.end(), Pfn{least + 1});
    // A kernel or an initrd larger than any memory.
    EXPECT_EQ(refusal_of(kernel_of(uint64_t{1} << 40), 0, 64 * mib)->why, Refusal::TooLittleMemory);
    EXPECT_EQ(refusal_of(linux_like(), ~uint64_t{0} - 0xfff, 64 * mib)->why,
              Refusal::TooLittleMemory);
    EXPECT_EQ(refusal_of(linux_like(), 0, 0)->why, Refusal::TooLittleMemory);
}

TEST(PvBootLayout, refuses_more_memory_than_the_m2p_has_room_for) {
    EXPECT_FALSE(refusal_of(linux_like(), 0, max_memory_bytes >> hv::page_shift));
    EXPECT_EQ(refusal_of(linux_like(), 0, (max_memory_bytes >> hv::page_shift) + 1)->why,
              Refusal::TooMuchMemory);
}

TEST(PvBootLayout, refuses_addresses_that_are_not_the_kernels_to_have) {
    const auto with_base = [](uint64_t virt_base) {
        return refusal_of(kernel_of(0x800000, virt_base), 0, 64 * mib);
    };
    // The area is 12 MiB long.
    EXPECT_FALSE(with_base(0));
    EXPECT_FALSE(with_base(0x7fff'ff40'0000));
    EXPECT_FALSE(with_base(0xffff'7fff'ff40'0000 + 0x900'0000'0000));
    EXPECT_FALSE(with_base(0xffff'8800'0000'0000));
    EXPECT_FALSE(with_base(0xffff'ffff'ff40'0000));
    for (const uint64_t bad :
         {0x7fff'ff80'0000U, 0x8000'0000'0000U, 0x7fff'8000'0000'0000U, 0xffff'7fff'ff40'0000U,
          0xffff'8000'0000'0000U, 0xffff'87ff'ff40'0000U, 0xffff'ffff'ff80'0000U,
          0xffff'ffff'ffff'f000U}) {
        ASSERT_TRUE(with_base(bad).has_value()) << std::hex << bad;
        EXPECT_EQ(with_base(bad)->why, Refusal::PvNotesWrong);
    }
}

TEST(PvBootLayout, refuses_a_p2m_list_where_it_cannot_be) {
    const auto with_p2m = [](uint64_t virt) {
        Kernel kernel = linux_like();
        kernel.init_p2m = virt;
        return refusal_of(kernel, 0, 128 * mib);
    };
    // The boot area has 28 MiB, the list 64 pages.
    EXPECT_FALSE(with_p2m(0));
    EXPECT_FALSE(with_p2m(base + (28 << 20)));
    EXPECT_FALSE(with_p2m(base - 0x40000));
    const std::array<uint64_t, 7> bad_places{base,
                                             base + (28 << 20) - 0x1000,
                                             base - 0x3f000,
                                             0xffff'8000'0000'0000,
                                             0xffff'87ff'ffff'f000,
                                             0x7fff'fffc'1000,
                                             0xffff'ffff'ffff'f000};
    for (const uint64_t bad : bad_places) {
        ASSERT_TRUE(with_p2m(bad).has_value()) << std::hex << bad;
        EXPECT_EQ(with_p2m(bad)->why, Refusal::PvNotesWrong);
        EXPECT_EQ(with_p2m(bad)->member, "/kernel");
    }
}

}  // namespace
}  // namespace builder::pv
