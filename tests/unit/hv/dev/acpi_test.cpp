// SPDX-License-Identifier: Apache-2.0
// Firmware tables, sound and hostile. What cannot be believed is left out; nothing beyond mapped
// memory is read (MappedMemory would fault).
#include "hv/dev/acpi.hpp"

#include "tests/fake/mapped_memory.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace {

using hv::dev::AcpiInfo;
using Table = std::vector<std::byte>;

void put(Table& table, size_t at, uint64_t value, size_t bytes) {
    table.resize(std::max(table.size(), at + bytes));
    for (size_t i = 0; i < bytes; ++i) {
        table[at + i] = static_cast<std::byte>(value >> (8 * i));
    }
}

void put(Table& table, size_t at, std::string_view text) {
    table.resize(std::max(table.size(), at + text.size()));
    std::memcpy(table.data() + at, text.data(), text.size());
}

void fix_sum(Table& table, size_t checksum_at, size_t count) {
    uint8_t sum = 0;
    table[checksum_at] = {};
    for (size_t i = 0; i < count; ++i) {
        sum = static_cast<uint8_t>(sum + static_cast<uint8_t>(table[i]));
    }
    table[checksum_at] = static_cast<std::byte>(-sum);
}

// [acpi] 5.2.6: the header, with the length of the whole and a good checksum.
Table sealed(std::string_view signature, Table table) {
    put(table, 0, signature);
    put(table, 4, table.size(), 4);
    fix_sum(table, 9, table.size());
    return table;
}

// [acpi] 5.2.12.2.
void add_cpu(Table& madt, uint8_t apic_id, uint32_t flags = 1) {
    const size_t at = madt.size();
    put(madt, at, 0, 1);
    put(madt, at + 1, 8, 1);
    put(madt, at + 2, apic_id, 1);
    put(madt, at + 3, apic_id, 1);
    put(madt, at + 4, flags, 4);
}

class Acpi : public testing::Test {
  protected:
    static constexpr uint64_t rsdp = 0xf5a00, root = 0x7fe0000, madt = 0x7fe1000, fadt = 0x7fe2000,
                              dsdt = 0x7fe3000, tpm2 = 0x7fe4000;

    void place_rsdp(uint8_t revision, uint64_t rsdt, uint64_t xsdt) {
        Table t(36);
        put(t, 0, "RSD PTR ");
        put(t, 15, revision, 1);
        put(t, 16, rsdt, 4);
        put(t, 20, 36, 4);
        put(t, 24, xsdt, 8);
        fix_sum(t, 8, 20);
        memory.write(rsdp, t);
    }
    void place_xsdt(std::initializer_list<uint64_t> entries, uint64_t at = root) {
        Table t(36);
        for (const uint64_t entry : entries) {
            put(t, t.size(), entry, 8);
        }
        memory.write(at, sealed("XSDT", t));
        place_rsdp(2, 0, at);
    }
    void place_madt(std::initializer_list<uint8_t> apic_ids) {
        Table t(44);
        for (const uint8_t id : apic_ids) {
            add_cpu(t, id);
        }
        memory.write(madt, sealed("APIC", t));
    }
    void place_fadt(uint64_t dsdt_at, uint32_t port) {
        Table t(116);
        put(t, 40, dsdt_at, 4);
        put(t, 64, port, 4);
        memory.write(fadt, sealed("FACP", t));
    }
    void place_dsdt(const Table& aml) {
        Table t(36);
        t.insert(t.end(), aml.begin(), aml.end());
        memory.write(dsdt, sealed("DSDT", t));
    }
    static Table aml(std::initializer_list<int> bytes) {
        Table t;
        for (const int b : bytes) {
            t.push_back(static_cast<std::byte>(b));
        }
        return t;
    }
    static std::vector<uint32_t> cpus(const AcpiInfo& info) {
        return {info.apic_ids.begin(), info.apic_ids.end()};
    }
    using Ids = std::vector<uint32_t>;
    MappedMemory memory;
};

TEST_F(Acpi, everything_is_found_through_the_xsdt) {
    place_xsdt({fadt, madt, tpm2});
    place_madt({0, 1, 4});
    place_fadt(dsdt, 0x604);
    // Name(_S5_, Package(4){5, ...}) as compilers write it.
    place_dsdt(aml({0x08, '_', 'S', '5', '_', 0x12, 0x0a, 0x04, 0x0a, 0x05, 0x00, 0x00, 0x00}));
    memory.write(tpm2, sealed("TPM2", Table(52)));
    const auto info = hv::dev::read_acpi();
    ASSERT_TRUE(info);
    EXPECT_EQ(cpus(*info), (Ids{0, 1, 4}));
    EXPECT_EQ(info->pm1a_control, 0x604);
    EXPECT_EQ(info->s5_sleep_type, 5);
    EXPECT_TRUE(info->has_tpm2_table);
}

TEST_F(Acpi, rsdt_serves_revision_0) {
    Table t(36);
    put(t, 36, madt, 4);
    memory.write(root, sealed("RSDT", t));
    place_rsdp(0, root, ~uint64_t{0});
    place_madt({0, 1});
    EXPECT_EQ(cpus(*hv::dev::read_acpi()), (Ids{0, 1}));
}

TEST_F(Acpi, cpu_that_is_listed_again_is_left_out_and_counted) {
    place_xsdt({madt});
    place_madt({0, 3, 0, 3, 3, 5});
    const auto info = hv::dev::read_acpi();
    ASSERT_TRUE(info);
    EXPECT_EQ(cpus(*info), (Ids{0, 3, 5}));
    EXPECT_EQ(info->repeated_cpus, 3u);
}

TEST_F(Acpi, no_cpu_is_repeated_in_sound_tables) {
    place_xsdt({madt});
    place_madt({0, 1, 2});
    EXPECT_EQ(hv::dev::read_acpi()->repeated_cpus, 0u);
}

// [acpi] 5.2.12.3.
void add_io_apic(Table& madt, uint32_t address, uint32_t first_interrupt) {
    const size_t at = madt.size();
    put(madt, at, 1, 1);
    put(madt, at + 1, 12, 1);
    put(madt, at + 4, address, 4);
    put(madt, at + 8, first_interrupt, 4);
}

// [acpi] 5.2.12.5.
void add_override(Table& madt, uint8_t irq, uint32_t interrupt, uint16_t flags) {
    const size_t at = madt.size();
    put(madt, at, 2, 1);
    put(madt, at + 1, 10, 1);
    put(madt, at + 3, irq, 1);
    put(madt, at + 4, interrupt, 4);
    put(madt, at + 8, flags, 2);
}

TEST_F(Acpi, com1_interrupts_where_the_isa_says_unless_the_madt_does) {
    place_xsdt({madt});
    Table t(44);
    add_io_apic(t, 0xfec10000, 24);
    add_io_apic(t, 0xfec00000, 0);
    add_override(t, 9, 30, 0xf);
    memory.write(madt, sealed("APIC", t));
    const auto plain = hv::dev::com1_route(*hv::dev::read_acpi());
    ASSERT_TRUE(plain);
    EXPECT_EQ(plain->io_apic, hv::Paddr{0xfec00000});
    EXPECT_EQ(plain->pin, 4u);
    EXPECT_EQ(hv::dev::redirection_of(*plain, hv::x86::HostVector::ConsoleInput), 0xf2u);

    add_override(t, 4, 29, 0xf);
    memory.write(madt, sealed("APIC", t));
    const auto moved = hv::dev::com1_route(*hv::dev::read_acpi());
    ASSERT_TRUE(moved);
    EXPECT_EQ(moved->io_apic, hv::Paddr{0xfec10000});
    EXPECT_EQ(moved->pin, 5u);
    EXPECT_EQ(hv::dev::redirection_of(*moved, hv::x86::HostVector::ConsoleInput), 0xa0f2u);
}

TEST_F(Acpi, com1_has_no_route_without_an_io_apic_that_can_be) {
    place_xsdt({madt});
    for (const auto& [address, first] : {std::pair{0xfec00010u, 0u}, {0u, 0u}, {0xfec00000u, 5u}}) {
        Table t(44);
        add_io_apic(t, address, first);
        memory.write(madt, sealed("APIC", t));
        EXPECT_FALSE(hv::dev::com1_route(*hv::dev::read_acpi()));
    }
    place_madt({0});
    EXPECT_FALSE(hv::dev::com1_route(*hv::dev::read_acpi()));
}

TEST_F(Acpi, no_pointer_no_tables) {
    EXPECT_FALSE(hv::dev::read_acpi());
}

TEST_F(Acpi, pointer_with_a_wrong_sum_is_passed_over) {
    place_xsdt({madt});
    place_madt({7});
    Table decoy(36);
    put(decoy, 0, "RSD PTR ");
    put(decoy, 15, 2, 1);
    memory.write(0xe0000, decoy);  // before the good one
    EXPECT_EQ(cpus(*hv::dev::read_acpi()), (Ids{7}));
}

TEST_F(Acpi, pointer_is_looked_for_up_to_the_last_place) {
    Table t(36);
    put(t, 0, "RSD PTR ");
    put(t, 16, root, 4);
    fix_sum(t, 8, 20);
    memory.write(0xfffe0, t);  // the last paragraph with room for it
    EXPECT_TRUE(hv::dev::read_acpi());
}

TEST_F(Acpi, one_wrong_byte_hides_a_table) {
    place_xsdt({madt, fadt});
    place_madt({0, 1});
    place_fadt(dsdt, 0x604);
    ASSERT_EQ(cpus(*hv::dev::read_acpi()).size(), 2U);
    hv::mm::direct_map(hv::Paddr{madt})[50] ^= std::byte{1};
    const auto info = hv::dev::read_acpi();
    EXPECT_TRUE(cpus(*info).empty());
    EXPECT_EQ(info->pm1a_control, 0x604) << "the others are still believed";
    hv::mm::direct_map(hv::Paddr{root})[36] ^= std::byte{1};
    EXPECT_EQ(hv::dev::read_acpi()->pm1a_control, 0) << "nor is anything found through a bad root";
}

TEST_F(Acpi, unbelievable_lengths_hide_a_table) {
    for (const uint64_t length :
         {uint64_t{0}, uint64_t{1}, uint64_t{35}, uint64_t{(1 << 20) + 1}, uint64_t{1 << 24}}) {
        place_xsdt({madt});
        Table t(44);
        add_cpu(t, 3);
        put(t, 0, "APIC");
        put(t, 4, length, 4);
        fix_sum(t, 9, t.size());
        memory.write(madt, t);
        EXPECT_TRUE(cpus(*hv::dev::read_acpi()).empty()) << length;
    }
}

TEST_F(Acpi, largest_table_is_read) {
    place_xsdt({madt});
    Table t(44);
    add_cpu(t, 3);
    t.resize(1 << 20);
    memory.write(madt, sealed("APIC", t));
    EXPECT_EQ(cpus(*hv::dev::read_acpi()), (Ids{3}));
}

TEST_F(Acpi, tables_outside_of_mapped_memory_are_not_there) {
    constexpr uint64_t end = MappedMemory::bytes;
    place_madt({1});
    place_xsdt({0, 8, end - 4, end - 36, end, end + 0x1000, uint64_t{1} << 52, uint64_t{1} << 63,
                ~uint64_t{0} - 3, ~uint64_t{0}, madt});
    EXPECT_EQ(cpus(*hv::dev::read_acpi()), (Ids{1}));
    for (const uint64_t wild : {end - 4, end, ~uint64_t{0} - 15, ~uint64_t{0}}) {
        place_rsdp(2, 0, wild);
        EXPECT_TRUE(cpus(*hv::dev::read_acpi()).empty()) << std::hex << wild;
    }
}

TEST_F(Acpi, table_that_runs_past_mapped_memory_is_not_there) {
    constexpr uint64_t at = MappedMemory::bytes - 44;
    Table t(44);
    put(t, 0, "APIC");
    put(t, 4, 4096, 4);
    memory.write(at, t);
    place_xsdt({at});
    EXPECT_TRUE(cpus(*hv::dev::read_acpi()).empty());
}

TEST_F(Acpi, circles_end) {
    place_xsdt({root, rsdp, root, madt, madt});
    place_madt({2});
    ASSERT_TRUE(hv::dev::read_acpi());
    EXPECT_EQ(cpus(*hv::dev::read_acpi()).at(0), 2U);
    // An FADT whose DSDT is itself, and one whose DSDT is the root.
    place_xsdt({fadt});
    place_fadt(fadt, 0x604);
    EXPECT_EQ(hv::dev::read_acpi()->s5_sleep_type, 0);
    place_fadt(root, 0x604);
    EXPECT_EQ(hv::dev::read_acpi()->s5_sleep_type, 0);
}

TEST_F(Acpi, cpus_that_are_not_usable_are_left_out) {
    Table t(44);
    add_cpu(t, 0);
    add_cpu(t, 1, 0);  // disabled
    add_cpu(t, 2, 2);  // may be plugged in later
    add_cpu(t, 3);
    memory.write(madt, sealed("APIC", t));
    place_xsdt({madt});
    EXPECT_EQ(cpus(*hv::dev::read_acpi()), (Ids{0, 3}));
}

TEST_F(Acpi, other_entries_are_stepped_over) {
    Table t(44);
    put(t, t.size(), 0x0c01, 2);  // I/O APIC, 12 bytes
    t.resize(44 + 12);
    add_cpu(t, 5);
    memory.write(madt, sealed("APIC", t));
    place_xsdt({madt});
    EXPECT_EQ(cpus(*hv::dev::read_acpi()), (Ids{5}));
}

TEST_F(Acpi, entries_with_bad_lengths_end_the_list) {
    for (const uint64_t length : {0U, 1U, 9U, 255U}) {
        Table t(44);
        add_cpu(t, 1);
        add_cpu(t, 2);
        put(t, 44 + 8 + 1, length, 1);
        memory.write(madt, sealed("APIC", t));
        place_xsdt({madt});
        EXPECT_EQ(cpus(*hv::dev::read_acpi()), (Ids{1})) << length;
    }
    // Too short for its flags: no CPU, but the list goes on behind it.
    Table t(44);
    put(t, 44, 0x0600, 2);
    t.resize(44 + 6);
    add_cpu(t, 2);
    memory.write(madt, sealed("APIC", t));
    EXPECT_EQ(cpus(*hv::dev::read_acpi()), (Ids{2}));
}

TEST_F(Acpi, more_cpus_than_supported_are_left_out) {
    Table t(44);
    for (unsigned id = 0; id < 255; ++id) {
        add_cpu(t, static_cast<uint8_t>(id));
    }
    memory.write(madt, sealed("APIC", t));
    place_xsdt({madt});
    const Ids got = cpus(*hv::dev::read_acpi());
    ASSERT_EQ(got.size(), hv::x86::max_cpus);
    EXPECT_EQ(got.back(), hv::x86::max_cpus - 1);
}

TEST_F(Acpi, sleep_type_may_have_a_short_or_long_package_length) {
    place_xsdt({fadt});
    place_fadt(dsdt, 0x604);
    // 0 and 1 are opcodes, not bytes behind a prefix.
    place_dsdt(aml({'_', 'S', '5', '_', 0x12, 0x06, 0x04, 0x01, 0x00, 0x00, 0x00}));
    EXPECT_EQ(hv::dev::read_acpi()->s5_sleep_type, 1);
    place_dsdt(aml({'_', 'S', '5', '_', 0x12, 0x4a, 0x00, 0x04, 0x0a, 0x07, 0x00, 0x00}));
    EXPECT_EQ(hv::dev::read_acpi()->s5_sleep_type, 7);
    // A reference to the name, then its definition.
    place_dsdt(
        aml({'_', 'S', '5', '_', 0x70, '_', 'S', '5', '_', 0x12, 0x08, 0x04, 0x0a, 0x06, 0, 0}));
    EXPECT_EQ(hv::dev::read_acpi()->s5_sleep_type, 6);
}

TEST_F(Acpi, sleep_type_that_is_cut_off_is_0) {
    place_xsdt({fadt});
    place_fadt(dsdt, 0x604);
    const Table whole = aml({'_', 'S', '5', '_', 0x12, 0xca, 0, 0, 0, 0x04, 0x0a, 0x05});
    for (size_t n = 0; n < whole.size(); ++n) {
        place_dsdt(Table(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n)));
        EXPECT_EQ(hv::dev::read_acpi()->s5_sleep_type, 0) << n;
    }
}

TEST_F(Acpi, power_port_is_a_port_or_none) {
    place_xsdt({fadt});
    place_fadt(dsdt, 0x10604);
    EXPECT_EQ(hv::dev::read_acpi()->pm1a_control, 0) << "not another port's low half";
    memory.write(fadt, sealed("FACP", Table(64)));
    EXPECT_EQ(hv::dev::read_acpi()->pm1a_control, 0) << "a table without the field";
}

}  // namespace
