// SPDX-License-Identifier: Apache-2.0
#include "hv/hvm/msr.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace hv::hvm {
namespace {

constexpr uint64_t sce = 1, lme = 0x100, lma = 0x400, nxe = 0x800, svme = 0x1000, ffxsr = 0x4000;

struct Msr : testing::Test {
    LocalApic apic{VcpuId{0}, true};
    Msrs msrs{40};
    MsrView view{.efer = svme,
                 .pat = 0x0007040600070406,
                 .guest_tsc = 12345,
                 .efer_bits = sce | lme | lma | nxe | ffxsr};

    std::optional<uint64_t> read(uint32_t msr) {
        auto result = msrs.read(msr, view, apic);
        return result.ok() ? std::optional{result.take()} : std::nullopt;
    }
    std::optional<MsrEffect> write(uint32_t msr, uint64_t value) {
        auto result = msrs.write(msr, value, view, apic);
        return result.ok() ? std::optional{result.take()} : std::nullopt;
    }
};

// ---- EFER ----

TEST_F(Msr, efer_hides_svme_and_keeps_it) {
    EXPECT_EQ(read(0xc0000080), 0u);
    const auto effect = write(0xc0000080, sce | nxe);
    ASSERT_TRUE(effect);
    EXPECT_EQ(effect->efer, sce | nxe | svme);
    EXPECT_FALSE(write(0xc0000080, svme));
}

TEST_F(Msr, efer_takes_only_bits_of_features) {
    for (unsigned n = 0; n < 64; ++n) {
        const uint64_t value = uint64_t{1} << n;
        EXPECT_EQ(write(0xc0000080, value).has_value(), (value & view.efer_bits) != 0) << n;
    }
    view.efer_bits = sce;
    EXPECT_FALSE(write(0xc0000080, nxe));
}

TEST_F(Msr, long_mode_enable_stays_under_paging) {
    view.is_paging = true;
    EXPECT_FALSE(write(0xc0000080, lme));
    view.efer = svme | lme | lma;
    EXPECT_FALSE(write(0xc0000080, 0));
    EXPECT_EQ(write(0xc0000080, lme | sce)->efer, svme | lme | lma | sce);
    view.is_paging = false;
    EXPECT_TRUE(write(0xc0000080, 0));
}

TEST_F(Msr, long_mode_active_is_not_the_guests) {
    EXPECT_EQ(write(0xc0000080, lme | lma)->efer, svme | lme);
    view.efer = svme | lme | lma;
    EXPECT_EQ(write(0xc0000080, lme)->efer, svme | lme | lma);
    EXPECT_EQ(read(0xc0000080), lme | lma);
}

// ---- PAT and MTRRs ----

TEST_F(Msr, pat_takes_eight_known_types) {
    EXPECT_EQ(read(0x277), view.pat);
    EXPECT_EQ(write(0x277, 0x0007010600070106)->pat, 0x0007010600070106u);
    for (uint64_t type = 0; type < 256; ++type) {
        const bool legal = type <= 7 && type != 2 && type != 3;
        EXPECT_EQ(write(0x277, type).has_value(), legal) << type;
        EXPECT_EQ(write(0x277, type << 56).has_value(), legal) << type;
    }
}

TEST_F(Msr, mtrrs_start_as_write_back) {
    EXPECT_EQ(read(0xfe), 0x508u);
    EXPECT_EQ(read(0x2ff), 0xc06u);
    for (const uint32_t msr : {0x250u, 0x258u, 0x259u, 0x268u, 0x26fu}) {
        EXPECT_EQ(read(msr), 0x0606060606060606u) << std::hex << msr;
    }
    for (uint32_t msr = 0x200; msr <= 0x20f; ++msr) {
        EXPECT_EQ(read(msr), 0u) << std::hex << msr;
    }
    EXPECT_FALSE(read(0x210));
    EXPECT_FALSE(read(0x251));
}

TEST_F(Msr, mtrrs_hold_what_is_legal) {
    EXPECT_TRUE(write(0x2ff, 0));
    EXPECT_EQ(read(0x2ff), 0u);
    EXPECT_FALSE(write(0x2ff, 0x002));
    EXPECT_FALSE(write(0x2ff, 0x100));
    EXPECT_TRUE(write(0x200, 0xff'c0000000));
    EXPECT_FALSE(write(0x200, uint64_t{1} << 40));
    EXPECT_FALSE(write(0x200, 0x100));
    EXPECT_FALSE(write(0x200, 7));
    EXPECT_TRUE(write(0x201, 0xff'c0000800));
    EXPECT_FALSE(write(0x201, 0x400));
    EXPECT_EQ(read(0x201), 0xff'c0000800u);
    EXPECT_TRUE(write(0x26f, 0));
    EXPECT_FALSE(write(0x26f, 0x0200000000000000));
    EXPECT_FALSE(write(0xfe, 0x508));
}

// ---- APIC ----

TEST_F(Msr, apic_base_and_x2apic_reach_the_apic) {
    EXPECT_EQ(read(0x1b), 0xfee00900u);
    EXPECT_FALSE(read(0x802));
    const auto effect = write(0x1b, 0xfee00c00);
    ASSERT_TRUE(effect);
    EXPECT_TRUE(effect->apic_base_changed);
    EXPECT_EQ(apic.mode(), ApicMode::X2Apic);
    EXPECT_EQ(read(0x802), 0u);
    EXPECT_TRUE(write(0x80f, 0x1ff));
    const auto ipi = write(0x830, (uint64_t{2} << 32) | 0xfd);
    ASSERT_TRUE(ipi);
    EXPECT_EQ(ipi->lapic.ipi->destination, 2u);
    EXPECT_FALSE(write(0x1b, 0xfee00800));
    EXPECT_FALSE(write(0x8ff, 0));
}

// ---- TSC, hypercall page ----

TEST_F(Msr, tsc) {
    EXPECT_EQ(read(0x10), 12345u);
    EXPECT_EQ(write(0x10, 7)->guest_tsc, 7u);
}

TEST_F(Msr, hypercall_page) {
    EXPECT_EQ(write(0x40000000, 0x1234000)->hypercall_page, GuestPaddr{0x1234000});
    EXPECT_FALSE(write(0x40000000, 0x1234001));
    EXPECT_EQ(read(0x40000000), 0u);
    EXPECT_FALSE(read(0x40000001));
}

// ---- constants ----

TEST_F(Msr, registers_kernels_expect) {
    const struct {
        uint32_t msr;
        uint64_t value;
    } table[] = {{0x8b, 0},          {0xce, 0},       {0x140, 0},
                 {0x179, 0},         {0x17a, 0},      {0x1a0, 0x1801},
                 {0x1d9, 0},         {0xc0010010, 0}, {0xc0010015, 1 << 24},
                 {0xc0010114, 0x18}, {0xc0011020, 0}, {0xc0011029, 2}};
    for (const auto& row : table) {
        EXPECT_EQ(read(row.msr), row.value) << std::hex << row.msr;
    }
}

TEST_F(Msr, constants_do_not_change) {
    EXPECT_TRUE(write(0xc0011029, 0));
    EXPECT_EQ(read(0xc0011029), 2u);
    EXPECT_TRUE(write(0x140, 0));
    EXPECT_FALSE(write(0x140, 1));
    EXPECT_FALSE(write(0xc0010114, 0));
    EXPECT_FALSE(write(0x179, 0));
}

TEST_F(Msr, what_is_hidden_or_unknown_faults) {
    for (const uint32_t msr :
         {0x0u,        0x3bu,       0x48u,       0x49u,       0x17bu,      0x400u,      0x6e0u,
          0xda0u,      0x40000001u, 0x40000200u, 0xc0000104u, 0xc0010000u, 0xc0010004u, 0xc001001au,
          0xc0010117u, 0xc001011fu, 0xc0010140u, 0xc0010200u, 0xc0011030u, 0xffffffffu}) {
        EXPECT_FALSE(read(msr)) << std::hex << msr;
        EXPECT_FALSE(write(msr, 0)) << std::hex << msr;
    }
}

TEST_F(Msr, nothing_is_both_passed_through_and_emulated) {
    for (const uint32_t msr : passed_through_msrs) {
        EXPECT_FALSE(read(msr)) << std::hex << msr;
    }
    EXPECT_EQ(std::ranges::count(passed_through_msrs, 0x277u), 0);
    EXPECT_EQ(std::ranges::count(passed_through_msrs, 0xc0000080u), 0);
}

}  // namespace
}  // namespace hv::hvm
