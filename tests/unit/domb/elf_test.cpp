// SPDX-License-Identifier: Apache-2.0
#include "domb/builder/pvh_kernel.hpp"
#include "tests/unit/domb/elf_file.hpp"

#include <optional>

#include <gtest/gtest.h>

namespace builder {
namespace {

using test::ElfFile;
using test::poke;

std::optional<Refusal> refusal_of(const std::vector<std::byte>& file) {
    const auto kernel = read_kernel(file);
    return kernel.ok() ? std::nullopt : std::optional{kernel.error()};
}

// Offsets within the first program header.
constexpr size_t p_offset = ElfFile::header_bytes + 0x08;
constexpr size_t p_paddr = ElfFile::header_bytes + 0x18;
constexpr size_t p_filesz = ElfFile::header_bytes + 0x20;
constexpr size_t p_memsz = ElfFile::header_bytes + 0x28;

TEST(Elf, gives_segments_and_pvh_entry) {
    auto file = ElfFile::good();
    file.add_load(0x3000000, "data", 0x100000);
    const auto bytes = file.bytes();
    auto result = read_kernel(bytes);
    ASSERT_TRUE(result.ok());
    const Kernel kernel = result.take();
    EXPECT_EQ(kernel.entry, 0x1000000U);
    ASSERT_EQ(kernel.segments.size(), 2U);
    EXPECT_EQ(kernel.segments[0].contents.size(), 0x1800U);
    EXPECT_EQ(kernel.segments[0].contents[0], std::byte{'K'});
    EXPECT_EQ(kernel.segments[0].memory_bytes, 0x2000U);
    EXPECT_EQ(kernel.segments[1].gpaddr, 0x3000000U);
    EXPECT_EQ(kernel.segments[1].end(), 0x3100000U);
}

TEST(Elf, takes_a_32_bit_entry_after_other_notes) {
    ElfFile file;
    file.add_load(0x100000, "code", 4);
    file.add_note(ElfFile::note("GNU", 18, ElfFile::number(1, 4)) + ElfFile::note("Xen", 6, "xen"));
    file.add_note(ElfFile::note("Xen", 18, ElfFile::number(0x100002, 4)));
    const auto bytes = file.bytes();
    auto result = read_kernel(bytes);
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(result.take().entry, 0x100002U);
}

TEST(Elf, refuses_every_truncation_without_reading_beyond_it) {
    const auto good = ElfFile::good().bytes();
    ASSERT_EQ(refusal_of(good), std::nullopt);
    for (size_t n = 0; n < good.size(); ++n) {
        // A copy of exactly that size, so that the sanitizer sees one byte too many.
        const std::vector<std::byte> cut(good.begin(), good.begin() + static_cast<ptrdiff_t>(n));
        EXPECT_NE(refusal_of(cut), std::nullopt) << n;
    }
}

TEST(Elf, survives_every_single_byte_change) {
    const auto good = ElfFile::good().bytes();
    const size_t headers = ElfFile::header_bytes + 2 * ElfFile::program_header_bytes;
    for (size_t at = 0; at < good.size(); at += at < headers || at > 0x1850 ? 1 : 64) {
        for (const unsigned value : {0x00U, 0x01U, 0x7fU, 0x80U, 0xffU}) {
            auto changed = good;
            changed[at] = static_cast<std::byte>(value);
            auto result = read_kernel(changed);
            if (result.ok()) {
                for (const Segment& s : result.take().segments) {
                    EXPECT_LE(s.gpaddr, s.end());
                    EXPECT_LE(s.contents.size(), s.memory_bytes);
                }
            }
        }
    }
}

TEST(Elf, refuses_what_is_no_elf64_for_x86_64) {
    EXPECT_EQ(refusal_of({}), Refusal::NotElf64);
    auto file = ElfFile::good().bytes();
    file[4] = std::byte{1};  // ELFCLASS32
    EXPECT_EQ(refusal_of(file), Refusal::Elf32);
    file[4] = std::byte{3};
    EXPECT_EQ(refusal_of(file), Refusal::NotElf64);
    file = ElfFile::good().bytes();
    poke<uint16_t>(file, 0x12, 3);  // EM_386
    EXPECT_EQ(refusal_of(file), Refusal::NotElf64);
    file = ElfFile::good().bytes();
    poke<uint16_t>(file, 0x10, 3);  // ET_DYN
    EXPECT_EQ(refusal_of(file), Refusal::NotElf64);
}

TEST(Elf, refuses_program_headers_of_another_size) {
    auto file = ElfFile::good().bytes();
    poke<uint16_t>(file, 0x36, 57);
    EXPECT_EQ(refusal_of(file), Refusal::ElfMalformed);
}

TEST(Elf, refuses_offsets_that_wrap) {
    auto file = ElfFile::good().bytes();
    poke<uint64_t>(file, 0x20, UINT64_MAX - 8);  // e_phoff
    EXPECT_EQ(refusal_of(file), Refusal::ElfMalformed);
    file = ElfFile::good().bytes();
    poke<uint64_t>(file, p_offset, UINT64_MAX - 0x1000);
    EXPECT_EQ(refusal_of(file), Refusal::ElfMalformed);
    file = ElfFile::good().bytes();
    poke<uint64_t>(file, p_memsz, UINT64_MAX);
    EXPECT_EQ(refusal_of(file), Refusal::ElfMalformed);
    file = ElfFile::good().bytes();
    poke<uint64_t>(file, p_paddr, UINT64_MAX - 0x1000);
    EXPECT_EQ(refusal_of(file), Refusal::ElfMalformed);
}

TEST(Elf, refuses_more_contents_than_memory) {
    auto file = ElfFile::good().bytes();
    poke<uint64_t>(file, p_memsz, 0x17ff);
    EXPECT_EQ(refusal_of(file), Refusal::ElfMalformed);
    poke<uint64_t>(file, p_memsz, 0x1800);
    EXPECT_EQ(refusal_of(file), std::nullopt);
}

TEST(Elf, refuses_contents_beyond_the_file) {
    auto file = ElfFile::good().bytes();
    poke<uint64_t>(file, p_filesz, file.size());
    poke<uint64_t>(file, p_memsz, file.size());
    EXPECT_EQ(refusal_of(file), Refusal::ElfMalformed);
}

TEST(Elf, refuses_overlapping_segments_but_not_touching_ones) {
    auto touching = ElfFile::good();
    touching.add_load(0x1002000, "x", 1);
    EXPECT_EQ(refusal_of(touching.bytes()), std::nullopt);
    auto overlapping = ElfFile::good();
    overlapping.add_load(0x1001fff, "x", 1);
    EXPECT_EQ(refusal_of(overlapping.bytes()), Refusal::ElfOverlap);
    auto around = ElfFile::good();
    around.add_load(0x0ffffff, "x", 0x10000);
    EXPECT_EQ(refusal_of(around.bytes()), Refusal::ElfOverlap);
}

TEST(Elf, refuses_one_segment_too_many) {
    auto file = ElfFile::good();
    for (uint64_t i = 1; i < max_segments; ++i) {
        file.add_load(0x1000000 + i * 0x10000, "x", 1);
    }
    EXPECT_EQ(refusal_of(file.bytes()), std::nullopt);
    file.add_load(0x5000000, "x", 1);
    EXPECT_EQ(refusal_of(file.bytes()), Refusal::ElfTooManyParts);
}

TEST(Elf, refuses_a_kernel_without_pvh_note) {
    ElfFile file;
    file.add_load(0x1000000, "code", 4);
    EXPECT_EQ(refusal_of(file.bytes()), Refusal::NoPvhNote);
    file.add_note(ElfFile::note("Xen", 1, ElfFile::number(0x1000000, 8)));
    EXPECT_EQ(refusal_of(file.bytes()), Refusal::NoPvhNote);
    file.add_note(ElfFile::note("Xem", 18, ElfFile::number(0x1000000, 8)));
    EXPECT_EQ(refusal_of(file.bytes()), Refusal::NoPvhNote);
    file.add_note(ElfFile::note("Xenon", 18, ElfFile::number(0x1000000, 8)));
    EXPECT_EQ(refusal_of(file.bytes()), Refusal::NoPvhNote);
}

TEST(Elf, refuses_notes_whose_sizes_lie) {
    for (const size_t field : {0U, 4U}) {  // namesz, descsz
        for (const uint32_t size : {0x100U, 0x7fffffffU, 0xfffffffeU, 0xffffffffU}) {
            std::string note = ElfFile::note("Xen", 18, ElfFile::number(0x1000000, 8));
            memcpy(note.data() + field, &size, sizeof(size));
            ElfFile file;
            file.add_load(0x1000000, "code", 4);
            file.add_note(note);
            EXPECT_EQ(refusal_of(file.bytes()), Refusal::ElfMalformed) << field << " " << size;
        }
    }
    ElfFile file;
    file.add_load(0x1000000, "code", 4);
    file.add_note(ElfFile::note("Xen", 18, ElfFile::number(0x1000000, 3)));
    EXPECT_EQ(refusal_of(file.bytes()), Refusal::ElfMalformed);
}

TEST(Elf, refuses_an_entry_that_is_not_loaded) {
    for (const uint64_t entry :
         {uint64_t{0}, uint64_t{0xffffff}, uint64_t{0x1001800}, uint64_t{0x1'0100'0000}}) {
        ElfFile file;
        file.add_load(0x1000000, std::string(0x1800, 'K'), 0x2000);
        file.add_note(ElfFile::note("Xen", 18, ElfFile::number(entry, 8)));
        EXPECT_EQ(refusal_of(file.bytes()), Refusal::EntryOutside) << entry;
    }
}

TEST(Elf, refuses_more_xen_notes_than_a_kernel_has) {
    for (const size_t count : {max_xen_notes, max_xen_notes + 1}) {
        ElfFile file;
        file.add_load(0x1000000, "code", 4);
        std::string notes = ElfFile::note("Xen", 18, ElfFile::number(0x1000000, 8));
        for (size_t i = 1; i < count; ++i) {
            notes += ElfFile::note("Xen", 0, "info");
        }
        for (int i = 0; i < 100; ++i) {
            notes += ElfFile::note("GNU", 0, "others are not counted");
        }
        file.add_note(notes);
        EXPECT_EQ(refusal_of(file.bytes()),
                  count > max_xen_notes ? std::optional{Refusal::ElfTooManyParts} : std::nullopt);
    }
}

TEST(Elf, reads_notes_aligned_to_8) {
    ElfFile file;
    file.add_load(0x1000000, "code", 4);
    const std::string padding(4, '\0');
    // Header 12 + name 4 = 16: the descriptor is aligned; the one of 4 bytes is followed by
    // padding.
    file.add_note(ElfFile::note("GNU", 5, ElfFile::number(1, 4)) + padding +
                      ElfFile::note("Xen", 18, ElfFile::number(0x1000000, 4)),
                  8);
    EXPECT_EQ(refusal_of(file.bytes()), std::nullopt);
}

}  // namespace
}  // namespace builder
