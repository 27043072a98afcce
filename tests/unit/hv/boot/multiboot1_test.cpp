// SPDX-License-Identifier: Apache-2.0
// A loader's information block, as QEMU leaves it and as nobody should. [mb1] 3.3; the block is
// written here by its offsets.
#include "hv/boot/multiboot1.hpp"

#include "tests/fake/mapped_memory.hpp"

#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace {

using hv::Paddr;
using hv::boot::BootInfo;
using Range = std::pair<uint64_t, uint64_t>;
using Ranges = std::vector<Range>;

template <class List>
Ranges to_vector(const List& list) {
    Ranges found;
    for (const hv::boot::PhysicalRange& r : list) {
        found.emplace_back(r.first.value(), r.bytes);
    }
    return found;
}

class Multiboot1 : public testing::Test {
  protected:
    static constexpr uint64_t block = 0x9500, map = 0x9600, modules = 0xa000, line = 0x400000;
    static constexpr uint32_t has_cmdline = 4, has_modules = 8, has_map = 0x40;

    void put(uint64_t at, uint64_t value, size_t bytes) {
        std::array<std::byte, 8> le{};
        for (size_t i = 0; i < 8; ++i) {
            le[i] = static_cast<std::byte>(value >> (8 * i));
        }
        memory.write(at, std::span{le}.first(bytes));
    }
    void put_flags(uint32_t flags) { put(block, flags, 4); }
    // Appends to the memory map.
    void add_range(uint64_t first, uint64_t bytes, uint32_t type = 1, uint32_t size = 20) {
        put(map + map_bytes, size, 4);
        put(map + map_bytes + 4, first, 8);
        put(map + map_bytes + 12, bytes, 8);
        put(map + map_bytes + 20, type, 4);
        map_bytes += size + 4;
        put(block + 0x2c, map_bytes, 4);
        put(block + 0x30, map, 4);
    }
    void add_module(uint64_t start, uint64_t end) {
        put(modules + module_count * 16, start, 4);
        put(modules + module_count * 16 + 4, end, 4);
        put(block + 0x14, ++module_count, 4);
        put(block + 0x18, modules, 4);
    }
    void set_line(const std::string& text, uint64_t at = line) {
        memory.write(at, std::as_bytes(std::span{text.c_str(), text.size() + 1}));
        put(block + 0x10, at, 4);
    }
    bool read() { return hv::boot::from_multiboot1(Paddr{block}, info); }

    MappedMemory memory;
    BootInfo info;
    uint32_t map_bytes = 0;
    uint32_t module_count = 0;
};

TEST_F(Multiboot1, everything_is_taken_over) {
    put_flags(has_cmdline | has_modules | has_map);
    add_range(0, 0x9fc00);
    add_range(0xf0000, 0x10000, 2);
    add_range(0x100000, 0x3fee0000);
    add_range(uint64_t{1} << 32, uint64_t{4} << 30);
    set_line("build/hv.elf32 loglevel=2 trace");
    add_module(0x300000, 0x300123);
    add_module(0x301000, 0x2301000);
    ASSERT_TRUE(read());
    EXPECT_EQ(
        to_vector(info.ram),
        (Ranges{{0, 0x9fc00}, {0x100000, 0x3fee0000}, {uint64_t{1} << 32, uint64_t{4} << 30}}));
    EXPECT_EQ(to_vector(info.reserved), (Ranges{{0xf0000, 0x10000}}));
    EXPECT_EQ(to_vector(info.modules), (Ranges{{0x300000, 0x123}, {0x301000, 0x2000000}}));
    EXPECT_EQ(info.command_line, "loglevel=2 trace");
    EXPECT_EQ(to_vector(info.loader_data), (Ranges{{line, 31}})) << "the whole line is kept";
    EXPECT_EQ(info.root, hv::boot::MeasurementRoot::None);
}

TEST_F(Multiboot1, memory_map_is_needed) {
    add_range(0, 0x9fc00);
    put_flags(has_modules);
    EXPECT_FALSE(read());
    put_flags(has_map);
    EXPECT_TRUE(read());
}

TEST_F(Multiboot1, map_without_ram_is_none) {
    put_flags(has_map);
    EXPECT_FALSE(read());
    add_range(0x100000, 0x1000000, 2);
    EXPECT_FALSE(read());
}

TEST_F(Multiboot1, what_is_not_flagged_is_not_read) {
    put_flags(has_map);
    add_range(0, 0x9fc00);
    put(block + 0x10, 0xffffffff, 4);
    put(block + 0x14, 0xffffffff, 4);
    put(block + 0x18, 0xffffffff, 4);
    ASSERT_TRUE(read());
    EXPECT_TRUE(info.modules.empty());
    EXPECT_TRUE(info.command_line.empty());
}

TEST_F(Multiboot1, entries_of_other_sizes_are_stepped_over) {
    put_flags(has_map);
    add_range(0x100000, 0x1000, 1, 24);  // ACPI 3 attributes follow
    add_range(0x200000, 0x1000, 1, 21);  // and the next is not aligned
    add_range(0x300000, 0x1000);
    ASSERT_TRUE(read());
    EXPECT_EQ(to_vector(info.ram),
              (Ranges{{0x100000, 0x1000}, {0x200000, 0x1000}, {0x300000, 0x1000}}));
}

TEST_F(Multiboot1, last_entry_must_be_whole) {
    put_flags(has_map);
    add_range(0x100000, 0x1000);
    add_range(0x200000, 0x1000);
    put(block + 0x2c, 47, 4);
    ASSERT_TRUE(read());
    EXPECT_EQ(to_vector(info.ram), (Ranges{{0x100000, 0x1000}}));
}

TEST_F(Multiboot1, entry_sizes_do_not_lead_astray) {
    put_flags(has_map);
    add_range(0x100000, 0x1000);
    for (const uint32_t size : {20U, 0x7fffffffU, 0xfffffffcU, 0xffffffffU}) {
        info = BootInfo{};
        put(map, size, 4);
        ASSERT_TRUE(read()) << size;
        EXPECT_EQ(to_vector(info.ram), (Ranges{{0x100000, 0x1000}})) << size;
    }
    put(block + 0x2c, 0xffffffff, 4);
    for (const uint32_t size : {0U, 1U, 19U}) {
        info = BootInfo{};
        put(map, size, 4);
        EXPECT_FALSE(read()) << size;
    }
}

TEST_F(Multiboot1, map_at_the_top_of_memory_is_read_in_bounds) {
    put_flags(has_map);
    put(block + 0x2c, 0xffffffff, 4);
    put(block + 0x30, 0xffffffff, 4);
    put(0xffffffff, 0xfffffff0, 4);
    EXPECT_FALSE(read());
}

TEST_F(Multiboot1, no_range_wraps_around) {
    put_flags(has_map);
    add_range(0x100000, ~uint64_t{0});
    add_range(~uint64_t{0}, ~uint64_t{0});
    add_range(~uint64_t{0} - 0xfff, 0x1000);
    add_range(0x200000, 0);
    ASSERT_TRUE(read());
    for (const hv::boot::PhysicalRange& r : info.ram) {
        EXPECT_GE(r.first.value() + r.bytes, r.first.value());
    }
    EXPECT_EQ(to_vector(info.ram).at(3), (Range{0x200000, 0}));
}

TEST_F(Multiboot1, too_many_ranges_are_refused) {
    put_flags(has_map);
    const size_t limit = BootInfo{}.ram.capacity();
    for (size_t i = 0; i < limit; ++i) {
        add_range(0x100000 * (i + 1), 0x1000);
    }
    ASSERT_TRUE(read());
    EXPECT_EQ(info.ram.size(), limit);
    add_range(0x80000000, 0x1000, 2);  // reserved ones do not count
    info = BootInfo{};
    EXPECT_TRUE(read());
    add_range(0x90000000, 0x1000);
    info = BootInfo{};
    EXPECT_FALSE(read());
}

TEST_F(Multiboot1, too_many_modules_are_refused) {
    put_flags(has_map | has_modules);
    add_range(0x100000, 0x1000);
    for (size_t i = 0; i < launch::max_modules; ++i) {
        add_module(0x100000, 0x100001);
    }
    ASSERT_TRUE(read());
    add_module(0x100000, 0x100001);
    info = BootInfo{};
    EXPECT_FALSE(read());
    put(block + 0x14, 0xffffffff, 4);
    put(block + 0x18, 0xfffffff0, 4);  // the list runs past 4 GiB
    info = BootInfo{};
    EXPECT_FALSE(read());
}

TEST_F(Multiboot1, modules_end_behind_their_start) {
    put_flags(has_map | has_modules);
    add_range(0x100000, 0x1000);
    add_module(0x300000, 0x300000);
    ASSERT_TRUE(read());
    EXPECT_EQ(to_vector(info.modules), (Ranges{{0x300000, 0}}));
    put(modules + 4, 0x2fffff, 4);
    info = BootInfo{};
    EXPECT_FALSE(read());
}

TEST_F(Multiboot1, line_without_arguments_is_empty) {
    put_flags(has_map | has_cmdline);
    add_range(0x100000, 0x1000);
    for (const char* text : {"", "hv.elf32", "hv.elf32 "}) {
        info = BootInfo{};
        set_line(text);
        ASSERT_TRUE(read());
        EXPECT_EQ(info.command_line, "") << text;
    }
    set_line("hv.elf32  a ");
    info = BootInfo{};
    ASSERT_TRUE(read());
    EXPECT_EQ(info.command_line, " a ") << "every byte of it is measured";
}

TEST_F(Multiboot1, line_without_end_is_cut_off) {
    put_flags(has_map | has_cmdline);
    add_range(0x100000, 0x1000);
    set_line("x " + std::string(100000, 'a'));
    ASSERT_TRUE(read());
    EXPECT_EQ(info.command_line.size(), 4094U);
}

}  // namespace
