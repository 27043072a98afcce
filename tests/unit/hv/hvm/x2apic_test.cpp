// SPDX-License-Identifier: Apache-2.0
// The registers of a virtual APIC in x2APIC mode.
#include "tests/unit/hv/hvm/lapic_fixture.hpp"

namespace hv::hvm::test {
namespace {

TEST_F(XApic, x2apic_registers_fault_in_xapic_mode) {
    EXPECT_FALSE(apic.msr_read(0x802, 0).ok());
    EXPECT_FALSE(apic.msr_write(0x80b, 0, 0).ok());
}

TEST_F(X2Apic, identity) {
    EXPECT_FALSE(apic.is_mapped());
    EXPECT_EQ(rdmsr(0x802), 2u);
    EXPECT_EQ(rdmsr(0x803), 0x50014u);
    EXPECT_EQ(rdmsr(0x80d), x2apic_ldr(2));
}

TEST_F(X2Apic, the_page_is_gone) {
    EXPECT_EQ(read(Version), 0xffffffffu);
    EXPECT_FALSE(write(IcrLow, 0xfb).ipi);
    write(Svr, 0);
    EXPECT_EQ(rdmsr(0x80f), 0x1ffu);
}

TEST_F(X2Apic, registers_kept_from_xapic_mode) {
    EXPECT_EQ(rdmsr(0x80f), 0x1ffu);
}

TEST_F(X2Apic, absent_registers_fault) {
    for (const uint32_t msr : {0x800u, 0x804u, 0x809u, 0x80eu, 0x831u, 0x840u, 0x8ffu}) {
        EXPECT_TRUE(faults_on_read(msr)) << std::hex << msr;
        EXPECT_TRUE(faults_on_write(msr, 0)) << std::hex << msr;
    }
}

TEST_F(X2Apic, one_way_registers_fault_the_other_way) {
    EXPECT_TRUE(faults_on_read(0x80b));
    EXPECT_TRUE(faults_on_read(0x83f));
    for (const uint32_t msr : {0x802u, 0x803u, 0x80au, 0x80du, 0x810u, 0x818u, 0x827u, 0x839u}) {
        EXPECT_TRUE(faults_on_write(msr, 0)) << std::hex << msr;
    }
}

TEST_F(X2Apic, reserved_bits_fault) {
    const struct {
        uint32_t msr;
        uint64_t legal;
    } table[] = {{0x808, 0xff},    {0x80b, 0},       {0x80f, 0x3ff}, {0x828, 0},   {0x832, 0x300ff},
                 {0x835, 0x1a7ff}, {0x837, 0x100ff}, {0x83e, 0xb},   {0x83f, 0xff}};
    for (const auto& row : table) {
        EXPECT_FALSE(faults_on_write(row.msr, row.legal)) << std::hex << row.msr;
        for (unsigned bit = 0; bit < 64; ++bit) {
            if (((row.legal >> bit) & 1) == 0) {
                EXPECT_TRUE(faults_on_write(row.msr, uint64_t{1} << bit))
                    << std::hex << row.msr << " bit " << std::dec << bit;
            }
        }
    }
    EXPECT_TRUE(faults_on_write(0x830, 1U << 13));
    EXPECT_TRUE(faults_on_write(0x830, 1U << 16));
    EXPECT_TRUE(faults_on_write(0x830, 1U << 20));
    EXPECT_TRUE(faults_on_write(0x838, uint64_t{1} << 32));
}

TEST_F(X2Apic, icr_is_one_register) {
    const auto effect = apic.msr_write(0x830, (uint64_t{0x1234} << 32) | 0xfb, 0).take();
    ASSERT_TRUE(effect.ipi);
    EXPECT_EQ(effect.ipi->destination, 0x1234u);
    EXPECT_EQ(rdmsr(0x830), (uint64_t{0x1234} << 32) | 0xfb);
}

TEST_F(X2Apic, self_ipi_register) {
    EXPECT_FALSE(faults_on_write(0x83f, 0xf6));
    EXPECT_EQ(apic.highest_deliverable(), 0xf6);
}

}  // namespace
}  // namespace hv::hvm::test
