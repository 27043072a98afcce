// SPDX-License-Identifier: Apache-2.0
// What a virtual APIC is after reset and INIT, and how APIC_BASE moves it from mode to mode.
#include "tests/unit/hv/hvm/lapic_fixture.hpp"

#include <algorithm>
#include <vector>

namespace hv::hvm::test {
namespace {

// ---- reset state ----

TEST(LocalApic, starts_as_after_reset) {
    LocalApic apic{VcpuId{3}, false};
    EXPECT_EQ(apic.mode(), ApicMode::XApic);
    EXPECT_EQ(apic.apic_base(), base | enabled);
    EXPECT_EQ(apic.mmio_read(Id, 0), 6u << 24);
    EXPECT_EQ(apic.mmio_read(Version, 0), 0x50014u);
    EXPECT_EQ(apic.mmio_read(Svr, 0), 0xffu);
    EXPECT_EQ(apic.mmio_read(Dfr, 0), 0xffffffffu);
    for (uint32_t lvt = LvtTimer; lvt <= LvtError; lvt += 0x10) {
        EXPECT_EQ(apic.mmio_read(lvt, 0), 0x10000u);
    }
    EXPECT_FALSE(apic.deadline_ns());
    EXPECT_FALSE(apic.has_pending());
}

TEST(LocalApic, only_vcpu_0_is_the_boot_processor) {
    EXPECT_EQ((LocalApic{VcpuId{0}, false}.apic_base() & bsc), bsc);
    EXPECT_EQ((LocalApic{VcpuId{1}, false}.apic_base() & bsc), 0u);
}

TEST_F(XApic, init_resets_registers_and_keeps_the_mode) {
    write(Ldr, 0x02000000);
    apic.accept(0x51);
    apic.init();
    EXPECT_EQ(read(Ldr), 0u);
    EXPECT_EQ(read(Svr), 0xffu);
    EXPECT_FALSE(apic.has_pending());
    EXPECT_EQ(apic.mode(), ApicMode::XApic);
}

TEST_F(X2Apic, init_keeps_the_derived_logical_id) {
    apic.init();
    EXPECT_EQ(rdmsr(0x80d), x2apic_ldr(2));
}

// ---- APIC_BASE ----

TEST(ApicBase, every_transition) {
    const uint64_t disabled_value = base;
    const uint64_t xapic_value = base | enabled;
    const uint64_t x2apic_value = base | enabled | extended;
    const uint64_t illegal_value = base | extended;
    // To reach a state, write its path; then try each value.
    const struct {
        std::vector<uint64_t> path;
        std::vector<uint64_t> legal;
    } table[] = {
        {{disabled_value}, {disabled_value, xapic_value}},
        {{}, {disabled_value, xapic_value, x2apic_value}},
        {{x2apic_value}, {disabled_value, x2apic_value}},
    };
    for (const auto& row : table) {
        for (const uint64_t to : {disabled_value, xapic_value, x2apic_value, illegal_value}) {
            LocalApic apic{VcpuId{1}, true};
            for (const uint64_t step : row.path) {
                ASSERT_TRUE(apic.set_apic_base(step).ok());
            }
            const uint64_t before = apic.apic_base();
            const bool legal = std::find(row.legal.begin(), row.legal.end(), to) != row.legal.end();
            EXPECT_EQ(apic.set_apic_base(to).ok(), legal) << std::hex << before << " to " << to;
            EXPECT_EQ(apic.apic_base(), legal ? to : before);
        }
    }
}

TEST(ApicBase, x2apic_that_is_not_offered_cannot_be_entered) {
    LocalApic apic{VcpuId{0}, false};
    EXPECT_FALSE(apic.set_apic_base(base | enabled | extended).ok());
    EXPECT_EQ(apic.mode(), ApicMode::XApic);
}

TEST(ApicBase, reserved_bits_and_other_pages_fault) {
    LocalApic apic{VcpuId{0}, true};
    EXPECT_FALSE(apic.set_apic_base(base | enabled | 0x200).ok());
    EXPECT_FALSE(apic.set_apic_base(base | enabled | 1).ok());
    EXPECT_FALSE(apic.set_apic_base(base | enabled | (uint64_t{1} << 52)).ok());
    EXPECT_FALSE(apic.set_apic_base(0xfed00000 | enabled).ok());
}

TEST(ApicBase, boot_processor_bit_is_read_only) {
    LocalApic apic{VcpuId{0}, true};
    EXPECT_TRUE(apic.set_apic_base(base | enabled).ok());
    EXPECT_EQ(apic.apic_base(), base | enabled | bsc);
}

TEST_F(XApic, disabling_forgets_everything) {
    apic.accept(0x51);
    ASSERT_TRUE(apic.set_apic_base(base).ok());
    EXPECT_FALSE(apic.is_mapped());
    EXPECT_FALSE(apic.has_pending());
    EXPECT_FALSE(apic.accept(0x52));
    ASSERT_TRUE(apic.set_apic_base(base | enabled).ok());
    EXPECT_EQ(read(Svr), 0xffu);
}

}  // namespace
}  // namespace hv::hvm::test
