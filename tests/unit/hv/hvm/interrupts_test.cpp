// SPDX-License-Identifier: Apache-2.0
// What is offered before an entry, and what an exit says about it. The test plays the processor.
#include "hv/hvm/interrupts.hpp"

#include "hv/abi/xen_hvm.hpp"
#include "hv/hvm/lapic.hpp"
#include "hv/svm/events.hpp"
#include "tests/fake/fake_machine.hpp"

#include <gtest/gtest.h>

namespace {

using hv::domain::OfferedBy;
using hv::hvm::has_pending;
using hv::hvm::offer;
using hv::hvm::settle;

class Interrupts : public testing::Test {
  protected:
    // EXITINTINFO, [apm2] 15.7.2.
    static constexpr uint64_t valid = uint64_t{1} << 31;
    static constexpr uint64_t external = 0, nmi = 2 << 8, exception = 3 << 8, software = 4 << 8;
    static constexpr uint64_t page_fault = uint64_t{2} << 32 | valid | 1 << 11 | exception | 14;
    static constexpr uint64_t v_irq = 1 << 8;

    Interrupts() {
        vcpu.lapic = &lapic;
        lapic.mmio_write(0xf0, 0x1ff, 0);  // software enable
    }
    void use_upcalls(uint8_t vector) {
        domain.domain().hvm_params[static_cast<size_t>(hv::abi::HvmParam::HVM_PARAM_CALLBACK_IRQ)] =
            uint64_t{hv::abi::HVM_PARAM_CALLBACK_TYPE_VECTOR} << 56 | vector;
        vcpu.info.load()->evtchn_upcall_pending = 1;
    }
    // The processor's part of an entry and an exit.
    void run(bool takes_offer, uint64_t exitintinfo = 0) {
        offer(vcpu);
        control.eventinj = 0;
        if (takes_offer) {
            control.int_ctl &= ~v_irq;
        }
        control.exitintinfo = exitintinfo;
        settle(vcpu);
    }
    [[nodiscard]] bool is_offered(uint8_t vector) const {
        return (control.int_ctl & v_irq) != 0 && (control.int_ctl >> 32 & 0xff) == vector;
    }
    static constexpr unsigned cr0_write = 16, iret = 3 * 32 + 20;
    [[nodiscard]] bool does_exit(unsigned intercept) const {
        return (control.intercept[intercept / 32] >> intercept % 32 & 1) != 0;
    }
    bool looks_again() {
        machine.sched.is_looking_again = false;
        hv::hvm::look_again_if_due(vcpu);
        return machine.sched.is_looking_again;
    }
    [[nodiscard]] bool is_in_service(uint8_t vector) {
        return (lapic.mmio_read(0x100 + vector / 32 * 0x10, 0) >> (vector % 32) & 1) != 0;
    }

    FakeMachine machine;
    FakeDomain& domain = machine.add_domain(1);
    hv::domain::Vcpu& vcpu = domain.vcpu();
    hv::svm::VmcbControl& control = vcpu.vmcb->control();
    hv::hvm::LocalApic lapic{hv::VcpuId{0}, true};
};

TEST_F(Interrupts, taken_offer_is_in_service) {
    lapic.accept(0x41);
    offer(vcpu);
    EXPECT_TRUE(is_offered(0x41));
    run(false);
    EXPECT_FALSE(is_in_service(0x41)) << "still waits: interrupts are off";
    run(true);
    EXPECT_TRUE(is_in_service(0x41));
    EXPECT_EQ(vcpu.offered, OfferedBy::Nobody);
    EXPECT_FALSE(has_pending(vcpu));
}

TEST_F(Interrupts, offer_whose_delivery_was_cut_short_is_offered_again) {
    lapic.accept(0x41);
    run(true, valid | external | 0x41);
    EXPECT_FALSE(is_in_service(0x41));
    EXPECT_EQ(control.eventinj, 0U);
    offer(vcpu);
    EXPECT_TRUE(is_offered(0x41));
}

TEST_F(Interrupts, exception_that_was_cut_short_is_injected_again) {
    run(false, page_fault);
    EXPECT_EQ(control.eventinj, page_fault);
}

// The interrupt's handler ran, and its first touch of its stack, say, faulted.
TEST_F(Interrupts, exception_is_not_lost_when_an_offer_was_taken_before_it) {
    lapic.accept(0x41);
    run(true, page_fault);
    EXPECT_TRUE(is_in_service(0x41));
    EXPECT_EQ(control.eventinj, page_fault);

    use_upcalls(0xf3);
    run(true, page_fault);
    EXPECT_EQ(control.eventinj, page_fault);
}

// The emulated machine calls a V_IRQ whose delivery it gave up an exception, and keeps V_IRQ set.
TEST_F(Interrupts, what_describes_a_waiting_offer_is_not_injected) {
    lapic.accept(0x41);
    run(false, valid | exception | 0x41);
    EXPECT_EQ(control.eventinj, 0U);
    EXPECT_FALSE(is_in_service(0x41));
    offer(vcpu);
    EXPECT_TRUE(is_offered(0x41));
}

// RIP is still at the instruction. Injected, it would come back to it and execute it twice.
TEST_F(Interrupts, software_interrupts_are_executed_again) {
    for (const uint64_t event : {software | 0x80, software | 3, exception | 3, exception | 4}) {
        run(false, valid | event);
        EXPECT_EQ(control.eventinj, 0U) << std::hex << event;
    }
}

TEST_F(Interrupts, nmi_that_was_cut_short_is_injected_again) {
    lapic.accept(0x41);
    run(true, valid | nmi | 2);
    EXPECT_EQ(control.eventinj, valid | nmi | 2);
}

TEST_F(Interrupts, nmi_waits_for_an_event_in_the_way) {
    vcpu.nmi_pending = true;
    control.eventinj = page_fault;
    offer(vcpu);
    EXPECT_EQ(control.eventinj, page_fault);
    EXPECT_TRUE(has_pending(vcpu));
    control.eventinj = 0;
    offer(vcpu);
    EXPECT_EQ(control.eventinj, valid | nmi | 2);
    EXPECT_FALSE(has_pending(vcpu));
}

// The stub may not be interrupted, and evtchn_upcall_mask is not for NMIs.
TEST_F(Interrupts, pv_kernel_gets_its_nmi_as_an_interrupt) {
    vcpu.masks_upcalls = true;
    vcpu.nmi_pending = true;
    offer(vcpu);
    EXPECT_TRUE(is_offered(2));
    EXPECT_EQ(control.eventinj, 0U);
    run(false);
    EXPECT_TRUE(has_pending(vcpu));
    run(true);
    EXPECT_FALSE(has_pending(vcpu));
    EXPECT_EQ(vcpu.offered, OfferedBy::Nobody);
}

// The other way round the APIC's would wait for the next exit, which need not come.
TEST_F(Interrupts, upcall_goes_behind_the_apic_and_past_it) {
    lapic.accept(0x31);
    use_upcalls(0xf3);
    offer(vcpu);
    EXPECT_TRUE(is_offered(0x31));
    run(true);
    EXPECT_TRUE(is_in_service(0x31));
    offer(vcpu);
    EXPECT_TRUE(is_offered(0xf3)) << "also while the APIC's handler runs";
    run(true);
    EXPECT_FALSE(is_in_service(0xf3));
}

TEST_F(Interrupts, exception_is_not_lost_while_an_offer_waits) {
    lapic.accept(0x41);
    run(false, page_fault);
    EXPECT_EQ(control.eventinj, page_fault);
    run(false, valid | nmi | 2);
    EXPECT_EQ(control.eventinj, valid | nmi | 2);
    EXPECT_TRUE(hv::svm::is_interrupt_waiting(*vcpu.vmcb));
}

// MOV to CR8 has to exit where that is the intercept of CR0, and nothing is offered.
TEST_F(Interrupts, what_cr8_keeps_back_waits_for_moves_to_it) {
    lapic.set_cr8(4);
    lapic.accept(0x41);
    offer(vcpu);
    EXPECT_FALSE(is_offered(0x41));
    EXPECT_TRUE(does_exit(cr0_write));
    lapic.set_cr8(3);
    offer(vcpu);
    EXPECT_TRUE(is_offered(0x41));
    run(true);
    offer(vcpu);
    EXPECT_FALSE(does_exit(cr0_write));
}

TEST_F(Interrupts, nothing_is_offered_to_who_moves_to_a_control_register) {
    lapic.accept(0x41);
    offer(vcpu);
    hv::hvm::let_move_to_control(vcpu);
    EXPECT_TRUE(looks_again());
    offer(vcpu);
    EXPECT_FALSE(hv::svm::is_interrupt_waiting(*vcpu.vmcb));
    EXPECT_FALSE(does_exit(cr0_write));
    settle(vcpu);
    EXPECT_FALSE(is_in_service(0x41)) << "it was not taken";
    offer(vcpu);
    EXPECT_TRUE(is_offered(0x41));
    EXPECT_TRUE(does_exit(cr0_write));
}

TEST_F(Interrupts, move_to_a_control_register_is_remembered_until_the_entry) {
    hv::hvm::let_move_to_control(vcpu);
    EXPECT_TRUE(looks_again());
    EXPECT_TRUE(looks_again()) << "on another CPU perhaps";
    offer(vcpu);
    EXPECT_FALSE(looks_again());
}

// STI and HLT are to be one, or HLT waits for what has just come.
TEST_F(Interrupts, nothing_is_offered_in_the_shadow_of_sti) {
    control.int_state = 1;
    EXPECT_FALSE(looks_again()) << "nothing is pending";
    lapic.accept(0x41);
    vcpu.nmi_pending = true;
    EXPECT_TRUE(looks_again());
    offer(vcpu);
    EXPECT_FALSE(hv::svm::is_interrupt_waiting(*vcpu.vmcb));
    EXPECT_EQ(control.eventinj, 0U);
    control.int_state = 0;
    EXPECT_FALSE(looks_again());
    offer(vcpu);
    EXPECT_TRUE(is_offered(0x41));
    EXPECT_EQ(control.eventinj, valid | nmi | 2);
}

// QEMU 7.2 says that there is none, where another exit came before the instruction.
TEST_F(Interrupts, shadow_stays_until_the_instruction_is_executed) {
    const auto leave_at = [this](uint64_t rip) {
        offer(vcpu);
        vcpu.vmcb->save().rip = rip;
        control.int_state = 0;
        settle(vcpu);
        return hv::svm::is_in_shadow(*vcpu.vmcb);
    };
    EXPECT_FALSE(leave_at(0x1000));
    control.int_state = 1;
    EXPECT_TRUE(leave_at(0x1000));
    EXPECT_FALSE(leave_at(0x1001));
    EXPECT_FALSE(leave_at(0x1001));

    control.int_state = 1;
    int entries = 0;
    while (leave_at(0x1001)) {  // STI, and a jump to itself
        ASSERT_LT(++entries, 10);
    }
}

// [apm2] 8.2.3: until the IRET of its handler there is no other NMI.
TEST_F(Interrupts, nmi_waits_for_the_iret_of_the_one_before) {
    auto& rip = vcpu.vmcb->save().rip;
    vcpu.nmi_pending = true;
    run(false);
    EXPECT_TRUE(does_exit(iret));
    vcpu.nmi_pending = true;
    offer(vcpu);
    EXPECT_EQ(control.eventinj, 0U);
    EXPECT_FALSE(has_pending(vcpu)) << "HLT in the handler waits for something else";

    rip = 0x1000;
    hv::hvm::note_nmi_return(vcpu);
    EXPECT_FALSE(does_exit(iret)) << "it is to be executed";
    EXPECT_TRUE(looks_again());
    run(false);
    EXPECT_TRUE(looks_again()) << "an interrupt came before it was";
    offer(vcpu);
    EXPECT_EQ(control.eventinj, 0U);
    rip = 0x2000;
    run(false);
    EXPECT_TRUE(has_pending(vcpu));
    offer(vcpu);
    EXPECT_EQ(control.eventinj, valid | nmi | 2);
    EXPECT_TRUE(does_exit(iret));
}

TEST_F(Interrupts, nmi_ends_a_halt) {
    auto& rip = vcpu.vmcb->save().rip;
    rip = 0x1000;
    vcpu.halt_bytes = 2;
    offer(vcpu);
    EXPECT_EQ(rip, 0x1000U) << "whatever else wakes it halts again";
    vcpu.nmi_pending = true;
    offer(vcpu);
    EXPECT_EQ(control.eventinj, valid | nmi | 2);
    EXPECT_EQ(rip, 0x1002U);
}

TEST_F(Interrupts, init_ends_the_handler_of_an_nmi) {
    vcpu.nmi_pending = true;
    run(false);
    hv::hvm::forget_nmis(vcpu);
    EXPECT_FALSE(does_exit(iret));
    vcpu.nmi_pending = true;
    offer(vcpu);
    EXPECT_EQ(control.eventinj, valid | nmi | 2);
}

TEST_F(Interrupts, offer_that_nobody_wants_any_more_is_withdrawn) {
    use_upcalls(0xf3);
    run(false);
    EXPECT_EQ(vcpu.offered, OfferedBy::Upcall);
    vcpu.info.load()->evtchn_upcall_pending = 0;
    offer(vcpu);
    EXPECT_FALSE(hv::svm::VmcbControl{control}.int_ctl & v_irq);
    EXPECT_EQ(vcpu.offered, OfferedBy::Nobody);
}

TEST_F(Interrupts, task_priority_travels_with_the_guest) {
    lapic.set_cr8(5);
    offer(vcpu);
    EXPECT_EQ(control.int_ctl & 0xff, 5U);
    control.int_ctl = (control.int_ctl & ~uint64_t{0xff}) | 9;
    settle(vcpu);
    EXPECT_EQ(lapic.cr8(), 9);
}

TEST_F(Interrupts, halt_with_interrupts_off_waits_for_nmi_alone) {
    lapic.accept(0x41);
    use_upcalls(0xf3);
    EXPECT_TRUE(has_pending(vcpu));
    vcpu.sched.request = hv::sched::Request::Halt;
    EXPECT_FALSE(has_pending(vcpu));
    vcpu.nmi_pending = true;
    EXPECT_TRUE(has_pending(vcpu));
}

TEST_F(Interrupts, vcpu_before_startup_waits_for_it_alone) {
    vcpu.is_initialised = false;
    lapic.accept(0x41);
    vcpu.nmi_pending = true;
    EXPECT_FALSE(has_pending(vcpu));
    vcpu.startup = 1;
    EXPECT_TRUE(has_pending(vcpu));
}

TEST_F(Interrupts, expired_periodic_timer_has_its_next_deadline_at_once) {
    lapic.mmio_write(0x3e0, 0xb, machine.sched.now_ns);             // divide by 1
    lapic.mmio_write(0x320, 1 << 17 | 0x55, machine.sched.now_ns);  // periodic
    lapic.mmio_write(0x380, 1'000'000, machine.sched.now_ns);
    const uint64_t first = *lapic.deadline_ns();
    machine.sched.now_ns = first + 10;
    hv::hvm::expire_timer(vcpu);
    EXPECT_TRUE(machine.sched.lapic_ns.empty()) << "nobody said that it is due";
    lapic.note_timer_due();
    hv::hvm::expire_timer(vcpu);
    EXPECT_EQ(machine.sched.lapic_ns.at(&vcpu), first + 1'000'000);
    offer(vcpu);
    EXPECT_TRUE(is_offered(0x55));
}

}  // namespace
