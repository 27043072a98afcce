// SPDX-License-Identifier: Apache-2.0
#include "hv/hvm/lapic.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace hv::hvm {
namespace {

constexpr uint64_t base = 0xfee00000;
constexpr uint64_t bsc = 0x100;
constexpr uint64_t enabled = 0x800;
constexpr uint64_t extended = 0x400;

// Offsets in the page.
enum : uint32_t {
    Id = 0x20,
    Version = 0x30,
    Tpr = 0x80,
    Ppr = 0xa0,
    EoiOffset = 0xb0,
    Ldr = 0xd0,
    Dfr = 0xe0,
    Svr = 0xf0,
    Isr2 = 0x120,
    Irr2 = 0x220,
    Esr = 0x280,
    IcrLow = 0x300,
    IcrHigh = 0x310,
    LvtTimer = 0x320,
    LvtLint0 = 0x350,
    LvtError = 0x370,
    InitialCount = 0x380,
    CurrentCount = 0x390,
    Divide = 0x3e0,
    SelfIpi = 0x3f0,
};

struct XApic : testing::Test {
    LocalApic apic{VcpuId{1}, true};
    uint64_t now = 0;

    XApic() { write(Svr, 0x1ff); }
    uint32_t read(uint32_t offset) { return apic.mmio_read(offset, now); }
    LapicEffect write(uint32_t offset, uint32_t value) {
        return apic.mmio_write(offset, value, now);
    }
    uint32_t errors() {
        write(Esr, 0);
        return read(Esr);
    }
};

struct X2Apic : XApic {
    X2Apic() { EXPECT_TRUE(apic.set_apic_base(base | enabled | extended).ok()); }
    bool faults_on_read(uint32_t msr) { return !apic.msr_read(msr, now).ok(); }
    bool faults_on_write(uint32_t msr, uint64_t value) {
        return !apic.msr_write(msr, value, now).ok();
    }
    uint64_t rdmsr(uint32_t msr) { return apic.msr_read(msr, now).take(); }
};

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

// ---- interrupts ----

TEST_F(XApic, accepted_interrupt_is_requested_then_serviced_then_done) {
    EXPECT_TRUE(apic.accept(0x51));
    EXPECT_FALSE(apic.accept(0x51));
    EXPECT_EQ(read(Irr2), 1u << 17);
    EXPECT_EQ(apic.highest_deliverable(), 0x51);
    apic.begin_service(0x51);
    EXPECT_EQ(read(Irr2), 0u);
    EXPECT_EQ(read(Isr2), 1u << 17);
    EXPECT_EQ(read(Ppr), 0x50u);
    EXPECT_FALSE(apic.highest_deliverable());
    EXPECT_FALSE(write(EoiOffset, 0).level_eoi_vector);
    EXPECT_EQ(read(Isr2), 0u);
    EXPECT_EQ(read(Ppr), 0u);
}

TEST_F(XApic, only_a_higher_class_interrupts_a_service) {
    apic.accept(0x51);
    apic.begin_service(0x51);
    apic.accept(0x5f);
    EXPECT_FALSE(apic.highest_deliverable());
    apic.accept(0x60);
    EXPECT_EQ(apic.highest_deliverable(), 0x60);
    apic.begin_service(0x60);
    apic.eoi();
    EXPECT_FALSE(apic.highest_deliverable());
    apic.eoi();
    EXPECT_EQ(apic.highest_deliverable(), 0x5f);
}

TEST_F(XApic, task_priority_holds_back_its_class_and_below) {
    apic.accept(0x5f);
    write(Tpr, 0x50);
    EXPECT_FALSE(apic.highest_deliverable());
    write(Tpr, 0x4f);
    EXPECT_EQ(apic.highest_deliverable(), 0x5f);
}

TEST_F(XApic, cr8_is_the_class_of_the_task_priority) {
    write(Tpr, 0x4f);
    EXPECT_EQ(apic.cr8(), 4);
    apic.set_cr8(4);
    EXPECT_EQ(read(Tpr), 0x4fu);
    apic.set_cr8(9);
    EXPECT_EQ(read(Tpr), 0x90u);
    EXPECT_EQ(read(Ppr), 0x90u);
}

TEST_F(XApic, end_of_a_level_interrupt_names_its_vector) {
    apic.accept(0x51, Trigger::Level);
    apic.begin_service(0x51);
    EXPECT_EQ(write(EoiOffset, 0).level_eoi_vector, 0x51);
    apic.accept(0x51, Trigger::Edge);
    apic.begin_service(0x51);
    EXPECT_FALSE(write(EoiOffset, 0).level_eoi_vector);
}

TEST_F(XApic, eoi_without_service_does_nothing) {
    EXPECT_FALSE(write(EoiOffset, 0).level_eoi_vector);
    EXPECT_EQ(errors(), 0u);
}

TEST_F(XApic, software_disabled_accepts_nothing_and_masks_the_lvt) {
    write(LvtTimer, 0x31);
    apic.accept(0x51);
    write(Svr, 0xff);
    EXPECT_EQ(read(LvtTimer), 0x10031u);
    EXPECT_FALSE(apic.accept(0x52));
    EXPECT_EQ(apic.highest_deliverable(), 0x51);  // what was pending stays
    write(LvtTimer, 0x31);
    EXPECT_EQ(read(LvtTimer), 0x10031u);
    write(Svr, 0x1ff);
    EXPECT_EQ(read(LvtTimer), 0x10031u);
}

TEST_F(XApic, first_and_last_vector) {
    EXPECT_TRUE(apic.accept(16));
    EXPECT_TRUE(apic.accept(255));
    EXPECT_EQ(apic.highest_deliverable(), 255);
    EXPECT_FALSE(apic.accept(15));
    EXPECT_EQ(errors(), 0x40u);
}

TEST_F(XApic, interrupts_from_other_cpus_arrive_exactly_once) {
    constexpr unsigned sender_count = 3;
    constexpr unsigned rounds = 20'000;
    std::array<std::atomic<unsigned>, 256> sent{};
    std::atomic<unsigned> running{sender_count};
    std::vector<std::thread> senders;
    for (unsigned n = 0; n < sender_count; ++n) {
        senders.emplace_back([&, n] {
            for (unsigned round = 0; round < rounds; ++round) {
                // Neighbouring vectors, so that senders meet in one word; some are shared.
                const auto vector = static_cast<uint8_t>(0x30 + (round + n) % 7);
                sent[vector] += apic.accept(vector) ? 1 : 0;
            }
            --running;
        });
    }
    std::array<unsigned, 256> serviced{};
    while (running != 0 || apic.has_pending()) {
        if (const auto vector = apic.highest_deliverable()) {
            apic.begin_service(*vector);
            ++serviced[*vector];
            apic.eoi();
        }
    }
    for (std::thread& sender : senders) {
        sender.join();
    }
    for (size_t vector = 0; vector < 256; ++vector) {
        EXPECT_EQ(serviced[vector], sent[vector]) << vector;
    }
}

// ---- errors ----

TEST_F(XApic, errors_show_after_a_write_and_interrupt_if_unmasked) {
    write(LvtError, 0x33);
    read(0x40);
    EXPECT_EQ(apic.highest_deliverable(), 0x33);
    EXPECT_EQ(read(Esr), 0u);
    EXPECT_EQ(errors(), 0x80u);
    EXPECT_EQ(errors(), 0u);
}

TEST_F(XApic, error_entry_with_an_illegal_vector_does_not_loop) {
    write(LvtError, 0x05);
    read(0x40);
    EXPECT_EQ(errors(), 0x80u);
}

TEST_F(XApic, reserved_registers_read_zero_and_report) {
    for (const uint32_t offset : {0x00u, 0x40u, 0x3f0u, 0x400u, 0xff0u}) {
        EXPECT_EQ(read(offset), 0u);
        EXPECT_EQ(errors(), 0x80u) << std::hex << offset;
    }
    write(0x40, 1);
    EXPECT_EQ(errors(), 0x80u);
    write(Version, 1);
    EXPECT_EQ(errors(), 0u);
    EXPECT_EQ(read(Id + 4), 0u);
    EXPECT_EQ(errors(), 0u);
}

// ---- registers ----

TEST_F(XApic, reserved_bits_are_ignored) {
    write(LvtTimer, 0xffffffff);
    EXPECT_EQ(read(LvtTimer), 0x300ffu);
    write(LvtLint0, 0xffffffff);
    EXPECT_EQ(read(LvtLint0), 0x1a7ffu);
    write(LvtError, 0xffffffff);
    EXPECT_EQ(read(LvtError), 0x100ffu);
    write(Ldr, 0xffffffff);
    EXPECT_EQ(read(Ldr), 0xff000000u);
    write(Dfr, 0);
    EXPECT_EQ(read(Dfr), 0x0fffffffu);
    write(Divide, 0xffffffff);
    EXPECT_EQ(read(Divide), 0xbu);
    write(Tpr, 0xffffffff);
    EXPECT_EQ(read(Tpr), 0xffu);
    write(IcrHigh, 0xffffffff);
    EXPECT_EQ(read(IcrHigh), 0xff000000u);
    write(Id, 0xff000000);
    EXPECT_EQ(read(Id), 2u << 24);
}

// ---- interrupt command register ----

TEST_F(XApic, icr_low_sends) {
    EXPECT_FALSE(write(IcrHigh, 4u << 24).ipi);
    const auto effect = write(IcrLow, 0xfb);
    ASSERT_TRUE(effect.ipi);
    EXPECT_EQ(effect.ipi->vector, 0xfb);
    EXPECT_EQ(effect.ipi->destination, 4u);
    EXPECT_EQ(effect.ipi->sender, 2u);
    EXPECT_TRUE(is_destination(*effect.ipi, LocalApic(VcpuId{2}, false).address()));
    EXPECT_EQ(read(IcrLow), 0xfbu);
}

TEST_F(XApic, illegal_vector_is_not_sent) {
    EXPECT_FALSE(write(IcrLow, 0x0f).ipi);
    EXPECT_EQ(errors(), 0x20u);
    EXPECT_TRUE(write(IcrLow, 0x10).ipi);
    EXPECT_TRUE(write(IcrLow, 0x600).ipi);  // start-up at page 0 is fine
}

TEST_F(XApic, self_shorthand_arrives_at_once) {
    EXPECT_FALSE(write(IcrLow, 0x400f6).ipi);
    EXPECT_EQ(apic.highest_deliverable(), 0xf6);
}

// ---- timer ----

TEST_F(XApic, one_shot_timer_interrupts_once) {
    write(Divide, 0xb);
    write(LvtTimer, 0xec);
    now = 100;
    EXPECT_TRUE(write(InitialCount, 1000).timer_changed);
    EXPECT_EQ(apic.deadline_ns(), 1100u);
    now = 600;
    EXPECT_EQ(read(CurrentCount), 500u);
    now = 1100;
    apic.expire(now);
    EXPECT_EQ(apic.highest_deliverable(), 0xec);
    EXPECT_FALSE(apic.deadline_ns());
    EXPECT_EQ(read(InitialCount), 1000u);
}

TEST_F(XApic, periodic_timer_goes_on) {
    write(Divide, 0xb);
    write(LvtTimer, 0x200ec);
    write(InitialCount, 4'000'000);
    apic.expire(4'000'000);
    EXPECT_EQ(apic.deadline_ns(), 8'000'000u);
}

TEST_F(XApic, masked_timer_has_no_deadline_and_loses_its_interrupt) {
    write(LvtTimer, 0x100ec);
    write(InitialCount, 1000);
    EXPECT_FALSE(apic.deadline_ns());
    now = 10'000;
    write(LvtTimer, 0xec);
    EXPECT_FALSE(apic.has_pending());
}

TEST_F(XApic, an_expiry_is_seen_by_any_access) {
    write(Divide, 0xb);
    write(LvtTimer, 0xec);
    write(InitialCount, 1000);
    now = 2000;
    write(LvtTimer, 0x100ec);
    EXPECT_TRUE(apic.has_pending());
}

TEST_F(XApic, a_timer_noted_as_due_waits_for_the_vcpu) {
    write(Divide, 0xb);
    write(LvtTimer, 0xec);
    write(InitialCount, 1000);
    apic.note_timer_due();
    EXPECT_TRUE(apic.has_pending());
    EXPECT_FALSE(apic.highest_deliverable());
    EXPECT_TRUE(apic.take_timer_due());
    EXPECT_FALSE(apic.take_timer_due());
    apic.expire(1000);
    EXPECT_EQ(apic.highest_deliverable(), 0xec);
}

TEST_F(XApic, timer_with_an_illegal_vector_reports_it) {
    write(LvtTimer, 0x0f);
    write(InitialCount, 1);
    now = 1000;
    EXPECT_EQ(errors(), 0x40u);
}

// ---- x2APIC ----

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
}  // namespace hv::hvm
