// SPDX-License-Identifier: Apache-2.0
// A virtual APIC in xAPIC mode: interrupts, errors, registers, the command register, the timer.
#include "tests/unit/hv/hvm/lapic_fixture.hpp"

#include <array>
#include <atomic>
#include <thread>
#include <vector>

namespace hv::hvm::test {
namespace {

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

TEST_F(XApic, kept_back_is_what_the_task_priority_alone_is_in_the_way_of) {
    EXPECT_FALSE(apic.is_kept_back());
    apic.accept(0x41);
    EXPECT_FALSE(apic.is_kept_back()) << "it can be taken";
    apic.set_cr8(4);
    EXPECT_TRUE(apic.is_kept_back());
    apic.set_cr8(0);
    apic.begin_service(0x41);
    apic.accept(0x42);
    apic.set_cr8(9);
    EXPECT_FALSE(apic.is_kept_back()) << "by what is in service, too";
    apic.accept(0x51);
    EXPECT_TRUE(apic.is_kept_back());
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

}  // namespace
}  // namespace hv::hvm::test
