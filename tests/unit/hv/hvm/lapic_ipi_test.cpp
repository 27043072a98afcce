// SPDX-License-Identifier: Apache-2.0
#include "hv/hvm/lapic_ipi.hpp"

#include <gtest/gtest.h>

namespace hv::hvm {
namespace {

constexpr uint64_t xapic_icr(uint32_t destination, uint32_t low) {
    return (uint64_t{destination} << 56) | low;
}

TEST(LapicIpi, decodes_the_fields) {
    const auto ipi = decode_icr(xapic_icr(6, 0x000008f1), ApicMode::XApic, 2);
    ASSERT_TRUE(ipi);
    EXPECT_EQ(*ipi, (Ipi{.mode = DeliveryMode::Fixed,
                         .vector = 0xf1,
                         .shorthand = Shorthand::None,
                         .logical = true,
                         .from_x2apic = false,
                         .destination = 6,
                         .sender = 2}));
}

TEST(LapicIpi, x2apic_destination_has_32_bits) {
    const auto ipi = decode_icr((uint64_t{0x12345678} << 32) | 0x40, ApicMode::X2Apic, 0);
    ASSERT_TRUE(ipi);
    EXPECT_EQ(ipi->destination, 0x12345678u);
    EXPECT_TRUE(ipi->from_x2apic);
}

TEST(LapicIpi, init_assert_and_startup_as_linux_sends_them) {
    // INT | LEVELTRIG | ASSERT | DM_INIT, then the de-assert, then DM_STARTUP with page 0x99.
    const auto init = decode_icr(xapic_icr(2, 0xc500), ApicMode::XApic, 0);
    ASSERT_TRUE(init);
    EXPECT_EQ(init->mode, DeliveryMode::Init);
    EXPECT_FALSE(decode_icr(xapic_icr(2, 0x8500), ApicMode::XApic, 0));
    const auto startup = decode_icr(xapic_icr(2, 0x0699), ApicMode::XApic, 0);
    ASSERT_TRUE(startup);
    EXPECT_EQ(startup->mode, DeliveryMode::StartUp);
    EXPECT_EQ(startup->vector, 0x99);
}

TEST(LapicIpi, types_without_effect_are_dropped) {
    EXPECT_FALSE(decode_icr(0x0200, ApicMode::XApic, 0));  // SMI
    EXPECT_FALSE(decode_icr(0x0300, ApicMode::XApic, 0));  // remote read
    EXPECT_FALSE(decode_icr(0x0700, ApicMode::XApic, 0));  // external interrupt
}

TEST(LapicIpi, self_shorthands_carry_fixed_interrupts_only) {
    EXPECT_TRUE(decode_icr(0x000400f1, ApicMode::XApic, 0));
    EXPECT_TRUE(decode_icr(0x000800f1, ApicMode::XApic, 0));
    EXPECT_FALSE(decode_icr(0x00044500, ApicMode::XApic, 0));  // INIT to self
    EXPECT_FALSE(decode_icr(0x00084500, ApicMode::XApic, 0));  // INIT to all including self
    EXPECT_TRUE(decode_icr(0x000c4500, ApicMode::XApic, 0));   // INIT to all others
}

constexpr ApicAddress xapic(uint32_t id, uint8_t logical_id, uint32_t dfr = 0xffffffff) {
    return {.mode = ApicMode::XApic, .id = id, .ldr = uint32_t{logical_id} << 24, .dfr = dfr};
}
constexpr ApicAddress x2apic(uint32_t id) {
    return {.mode = ApicMode::X2Apic, .id = id, .ldr = x2apic_ldr(id), .dfr = 0xffffffff};
}
constexpr Ipi physical(uint32_t destination) {
    return {.vector = 0x40, .destination = destination};
}
constexpr Ipi logical(uint32_t destination) {
    return {.vector = 0x40, .logical = true, .destination = destination};
}
constexpr Ipi x2(Ipi ipi) {
    ipi.from_x2apic = true;
    return ipi;
}

TEST(LapicDestination, physical) {
    EXPECT_TRUE(is_destination(physical(4), xapic(4, 0)));
    EXPECT_FALSE(is_destination(physical(4), xapic(6, 0xff)));
    EXPECT_TRUE(is_destination(physical(0xff), xapic(6, 0)));
    EXPECT_TRUE(is_destination(x2(physical(0xffffffff)), x2apic(6)));
    EXPECT_FALSE(is_destination(x2(physical(0xff)), x2apic(6)));
    EXPECT_TRUE(is_destination(x2(physical(0xff)), x2apic(0xff)));
}

TEST(LapicDestination, logical_flat) {
    EXPECT_TRUE(is_destination(logical(0x06), xapic(0, 0x04)));
    EXPECT_FALSE(is_destination(logical(0x06), xapic(0, 0x08)));
    EXPECT_FALSE(is_destination(logical(0x06), xapic(6, 0)));
    EXPECT_TRUE(is_destination(logical(0xff), xapic(0, 0)));
}

TEST(LapicDestination, logical_cluster) {
    const auto cluster_2_member_1 = xapic(0, 0x22, 0x0fffffff);
    EXPECT_TRUE(is_destination(logical(0x23), cluster_2_member_1));
    EXPECT_FALSE(is_destination(logical(0x21), cluster_2_member_1));
    EXPECT_FALSE(is_destination(logical(0x33), cluster_2_member_1));
    EXPECT_TRUE(is_destination(logical(0xf2), cluster_2_member_1));
}

TEST(LapicDestination, logical_x2apic) {
    EXPECT_EQ(x2apic_ldr(0), 0x00000001u);
    EXPECT_EQ(x2apic_ldr(0x3e), 0x00034000u);
    EXPECT_TRUE(is_destination(x2(logical(0x0003c000)), x2apic(0x3e)));
    EXPECT_FALSE(is_destination(x2(logical(0x00038000)), x2apic(0x3e)));
    EXPECT_FALSE(is_destination(x2(logical(0x00024000)), x2apic(0x3e)));
    EXPECT_TRUE(is_destination(x2(logical(0xffffffff)), x2apic(0x3e)));
    EXPECT_FALSE(is_destination(x2(logical(0x00010001)), xapic(0, 0x01)));
}

TEST(LapicDestination, shorthands_ignore_the_destination) {
    Ipi ipi{.vector = 0x40, .destination = 8, .sender = 2};
    ipi.shorthand = Shorthand::Self;
    EXPECT_TRUE(is_destination(ipi, xapic(2, 0)));
    EXPECT_FALSE(is_destination(ipi, xapic(8, 0)));
    ipi.shorthand = Shorthand::AllIncludingSelf;
    EXPECT_TRUE(is_destination(ipi, xapic(2, 0)));
    EXPECT_TRUE(is_destination(ipi, xapic(8, 0)));
    ipi.shorthand = Shorthand::AllExcludingSelf;
    EXPECT_FALSE(is_destination(ipi, xapic(2, 0)));
    EXPECT_TRUE(is_destination(ipi, xapic(4, 0)));
}

TEST(LapicDestination, a_disabled_apic_is_never_one) {
    ApicAddress off = xapic(2, 0xff);
    off.mode = ApicMode::Disabled;
    EXPECT_FALSE(is_destination(physical(0xff), off));
    EXPECT_FALSE(is_destination(physical(2), off));
}

}  // namespace
}  // namespace hv::hvm
