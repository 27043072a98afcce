// SPDX-License-Identifier: Apache-2.0
#include "domb/builder/pv/kernel.hpp"

#include "tests/unit/domb/elf_file.hpp"

#include <gtest/gtest.h>

namespace builder::pv {
namespace {

using test::ElfFile;

// What becomes of the good kernel with one note put before all others, or with other notes.
std::vector<std::byte> with_notes(const std::string& notes) {
    ElfFile file;
    file.add_load(0x400000, std::string(0x1800, 'K'), 0x3000);
    file.add_note(notes);
    return file.bytes();
}

std::vector<std::byte> with_number(uint32_t type, uint64_t value, size_t width = 8) {
    return with_notes(ElfFile::pv_notes(ElfFile::note("Xen", type, ElfFile::number(value, width))));
}

std::vector<std::byte> with_text(uint32_t type, const std::string& value) {
    return with_notes(ElfFile::pv_notes(ElfFile::note("Xen", type, value + '\0')));
}

std::optional<Refusal> refusal_of(const std::vector<std::byte>& file) {
    const auto kernel = read_kernel(file);
    return kernel.ok() ? std::nullopt : std::optional{kernel.error()};
}

constexpr uint64_t file_base = ElfFile::pv_base;

TEST(PvKernel, takes_address_space_and_start_from_its_notes) {
    const auto file = ElfFile::good_pv().bytes();
    auto result = read_kernel(file);
    ASSERT_TRUE(result.ok());
    const Kernel kernel = result.take();
    EXPECT_EQ(kernel.virt_base, file_base);
    EXPECT_EQ(kernel.entry, file_base + 0x400010);
    EXPECT_EQ(kernel.hypercall_page, file_base + 0x401000);
    EXPECT_EQ(kernel.init_p2m, 0x8000000000U);
    EXPECT_TRUE(kernel.takes_unmapped_initrd);
    ASSERT_EQ(kernel.segments.size(), 2U);
    EXPECT_EQ(kernel.segments[0].gpaddr, 0x400000U);
    EXPECT_EQ(kernel.end, 0x404200U);
}

TEST(PvKernel, may_leave_out_what_has_a_default) {
    ElfFile file;
    file.add_load(0x1000, std::string(0x100, 'K'), 0x2000);
    file.add_note(ElfFile::note("Xen", 5, std::string{"xen-3.0\0", 8}) +
                  ElfFile::note("Xen", 2, ElfFile::number(0x2000, 4)));
    auto bytes = file.bytes();
    test::poke<uint64_t>(bytes, 0x18, 0x1010);  // e_entry
    auto result = read_kernel(bytes);
    ASSERT_TRUE(result.ok());
    const Kernel kernel = result.take();
    EXPECT_EQ(kernel.virt_base, 0U);
    EXPECT_EQ(kernel.entry, 0x1010U);
    EXPECT_EQ(kernel.hypercall_page, 0x2000U);
    EXPECT_FALSE(kernel.init_p2m.has_value());
    EXPECT_FALSE(kernel.takes_unmapped_initrd);
}

TEST(PvKernel, subtracts_the_offset_of_old_kernels_addresses) {
    const auto file = with_number(4, 0x300000);  // PADDR_OFFSET
    // The entry note still speaks of the address that results.
    EXPECT_EQ(refusal_of(file), Refusal::EntryOutside);
    const auto right =
        with_notes(ElfFile::note("Xen", 1, ElfFile::number(file_base + 0x100010, 8)) +
                   ElfFile::note("Xen", 2, ElfFile::number(file_base + 0x101000, 8)) +
                   ElfFile::pv_notes(ElfFile::note("Xen", 4, ElfFile::number(0x300000, 8))));
    auto result = read_kernel(right);
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(result.take().segments[0].gpaddr, 0x100000U);
    EXPECT_EQ(refusal_of(with_number(4, 0x400001)), Refusal::OutsideRam);
}

TEST(PvKernel, refuses_a_kernel_that_is_only_pvh) {
    EXPECT_EQ(refusal_of(ElfFile::good().bytes()), Refusal::NoPvNotes);
    const std::string version = ElfFile::note("Xen", 5, std::string{"xen-3.0\0", 8});
    const std::string pvh = ElfFile::note("Xen", 18, ElfFile::number(0x400000, 8));
    EXPECT_EQ(refusal_of(with_notes(version + pvh)), Refusal::NoPvNotes);
}

TEST(PvKernel, refuses_an_elf_without_xen_notes) {
    ElfFile file;
    file.add_load(0x400000, "code", 4);
    EXPECT_EQ(refusal_of(file.bytes()), Refusal::NoPvNotes);
}

TEST(PvKernel, refuses_a_32_bit_kernel) {
    auto file = ElfFile::good_pv().bytes();
    file[4] = std::byte{1};  // ELFCLASS32
    EXPECT_EQ(refusal_of(file), Refusal::Elf32);
}

TEST(PvKernel, refuses_another_interface_or_loader) {
    EXPECT_EQ(refusal_of(with_text(5, "xen-2.0")), Refusal::NoPvNotes);
    EXPECT_EQ(refusal_of(with_text(5, "xen-3.0.1")), Refusal::NoPvNotes);
    EXPECT_EQ(refusal_of(with_text(8, "special")), Refusal::PvNotesWrong);
    // A text may lack its NUL.
    EXPECT_EQ(refusal_of(with_notes(ElfFile::pv_notes(ElfFile::note("Xen", 8, "generic")))),
              std::nullopt);
}

TEST(PvKernel, refuses_requirements_that_are_not_met) {
    EXPECT_EQ(refusal_of(with_text(10, "auto_translated_physmap|highmem_assist")), std::nullopt);
    EXPECT_EQ(refusal_of(with_text(10, "")), std::nullopt);
    EXPECT_EQ(refusal_of(with_text(10, "|")), std::nullopt);
    EXPECT_EQ(refusal_of(with_text(10, "!pae_pgdir_above_4gb|!mmu_pt_update_preserve_ad")),
              std::nullopt);
    EXPECT_EQ(refusal_of(with_text(10, "!auto_translated_physmap")), Refusal::FeatureMissing);
    EXPECT_EQ(refusal_of(with_text(10, "x|!supervisor_mode_kernel")), Refusal::FeatureMissing);
    EXPECT_EQ(refusal_of(with_text(10, "!of_the_future")), Refusal::FeatureMissing);
    EXPECT_EQ(refusal_of(with_text(11, "yes")), Refusal::FeatureMissing);  // BSD_SYMTAB
    EXPECT_EQ(refusal_of(with_text(11, "no")), std::nullopt);
}

TEST(PvKernel, refuses_an_entry_outside_of_what_is_loaded) {
    for (const uint64_t entry :
         {uint64_t{0}, file_base, file_base + 0x3fffff, file_base + 0x401800, ~uint64_t{0}}) {
        EXPECT_EQ(refusal_of(with_number(1, entry)), Refusal::EntryOutside) << entry;
    }
    EXPECT_EQ(refusal_of(with_number(1, file_base + 0x4017ff)), std::nullopt);
}

TEST(PvKernel, refuses_a_hypercall_page_that_is_not_one_of_its_pages) {
    for (const uint64_t page : {uint64_t{0}, file_base + 0x401800, file_base + 0x3ff000,
                                file_base + 0x403000, ~uint64_t{0xfff}}) {
        EXPECT_EQ(refusal_of(with_number(2, page)), Refusal::PvNotesWrong) << page;
    }
    EXPECT_EQ(refusal_of(with_number(2, file_base + 0x402000)), std::nullopt);
}

TEST(PvKernel, refuses_numbers_that_contradict) {
    EXPECT_EQ(refusal_of(with_number(3, file_base + 1)), Refusal::PvNotesWrong);  // VIRT_BASE
    EXPECT_EQ(refusal_of(with_number(15, 0x8000000001)), Refusal::PvNotesWrong);  // INIT_P2M
    EXPECT_EQ(refusal_of(with_number(12, 0xffff800000001000)), Refusal::PvNotesWrong);
    const std::string version = ElfFile::note("Xen", 5, std::string{"xen-3.0\0", 8});
    EXPECT_EQ(refusal_of(with_notes(version + ElfFile::note("Xen", 1, ElfFile::number(1, 4)) +
                                    ElfFile::note("Xen", 4, ElfFile::number(0, 4)))),
              Refusal::PvNotesWrong);  // PADDR_OFFSET without VIRT_BASE
    for (const uint32_t type : {1U, 2U, 3U, 4U, 12U, 15U, 16U}) {
        EXPECT_EQ(refusal_of(with_number(type, 0, 3)), Refusal::ElfMalformed) << type;
    }
}

TEST(PvKernel, survives_every_truncation_and_single_byte_change) {
    const auto good = ElfFile::good_pv().bytes();
    ASSERT_EQ(refusal_of(good), std::nullopt);
    for (size_t n = 0; n < good.size(); n += n < 0x100 || n > 0x1800 ? 1 : 64) {
        const std::vector<std::byte> cut(good.begin(), good.begin() + static_cast<ptrdiff_t>(n));
        EXPECT_NE(refusal_of(cut), std::nullopt) << n;
        for (const unsigned value : {0x00U, 0x01U, 0x7fU, 0x80U, 0xffU}) {
            auto changed = good;
            changed[n] = static_cast<std::byte>(value);
            if (auto result = read_kernel(changed); result.ok()) {
                const Kernel kernel = result.take();
                EXPECT_TRUE(is_loaded(kernel.segments, kernel.entry - kernel.virt_base));
            }
        }
    }
}

}  // namespace
}  // namespace builder::pv
