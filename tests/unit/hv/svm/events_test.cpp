// SPDX-License-Identifier: Apache-2.0
// EVENTINJ and V_IRQ as [apm2] 15.20 and 15.21.4 lay them out.
#include "hv/svm/events.hpp"

#include <memory>

#include <gtest/gtest.h>

namespace {

using hv::svm::Exception;
using hv::svm::Vmcb;

class Events : public testing::Test {
  protected:
    std::unique_ptr<Vmcb> vmcb = std::make_unique<Vmcb>();
    uint64_t& int_ctl = vmcb->control().int_ctl;
};

TEST_F(Events, debug_exception_has_no_error_code) {
    hv::svm::inject_exception(*vmcb, Exception::DB);
    EXPECT_EQ(vmcb->control().eventinj, 0x80000301U);
}

TEST_F(Events, alignment_check_has_the_error_code_zero) {
    hv::svm::inject_exception(*vmcb, Exception::AC);
    EXPECT_EQ(vmcb->control().eventinj, 0x80000b11U);
}

TEST_F(Events, invalid_opcode_has_no_error_code) {
    hv::svm::inject_exception(*vmcb, Exception::UD, 5);
    EXPECT_EQ(vmcb->control().eventinj, 0x80000306U);
}

TEST_F(Events, faults_carry_their_error_code) {
    hv::svm::inject_exception(*vmcb, Exception::GP);
    EXPECT_EQ(vmcb->control().eventinj, 0x80000b0dU);
    hv::svm::inject_exception(*vmcb, Exception::PF, 0x17);
    EXPECT_EQ(vmcb->control().eventinj, 0x1780000b0eU);
}

TEST_F(Events, last_offer_replaces_the_one_before) {
    int_ctl = uint64_t{1} << 24 | 7;  // V_INTR_MASKING, V_TPR
    vmcb->mark_clean();
    hv::svm::offer_interrupt(*vmcb, 0xf3);
    hv::svm::offer_interrupt(*vmcb, 0x31);
    EXPECT_EQ(int_ctl, uint64_t{0x31} << 32 | 1 << 24 | 1 << 20 | 1 << 8 | 7);
    EXPECT_EQ(vmcb->control().clean, 0x7f6U) << "clean bits 3 and, for the intercept, 0";
    EXPECT_TRUE(hv::svm::is_interrupt_waiting(*vmcb));
}

TEST_F(Events, withdrawn_offer_does_not_wait) {
    hv::svm::offer_interrupt(*vmcb, 0x31);
    vmcb->mark_clean();
    hv::svm::withdraw_interrupt(*vmcb);
    EXPECT_FALSE(hv::svm::is_interrupt_waiting(*vmcb));
    EXPECT_EQ(vmcb->control().clean, 0x7f6U);
    vmcb->mark_clean();
    hv::svm::withdraw_interrupt(*vmcb);
    EXPECT_EQ(vmcb->control().clean, 0x7ffU) << "nothing has changed";
}

// QEMU aborts at a MOV to CR8 while V_IRQ is set, and 10.0 asks the intercept of CR0 for CR8.
TEST_F(Events, moves_to_cr0_exit_as_long_as_an_offer_may_wait) {
    constexpr uint32_t cr0_write = 1 << 16;
    const uint32_t& word = vmcb->control().intercept[0];
    hv::svm::offer_interrupt(*vmcb, 0x31);
    EXPECT_EQ(word, cr0_write);
    hv::svm::withdraw_interrupt(*vmcb);
    EXPECT_EQ(word, 0U);
    hv::svm::await_task_priority(*vmcb);
    EXPECT_EQ(word, cr0_write);
    EXPECT_FALSE(hv::svm::is_interrupt_waiting(*vmcb));
}

// [apm2] 15.15.3: V_TPR is of clean bit 3.
TEST_F(Events, changed_task_priority_is_not_clean) {
    int_ctl = uint64_t{1} << 24;
    vmcb->mark_clean();
    hv::svm::set_task_priority(*vmcb, 0);
    EXPECT_EQ(vmcb->control().clean, 0x7ffU);
    hv::svm::set_task_priority(*vmcb, 9);
    EXPECT_EQ(int_ctl, uint64_t{1} << 24 | 9);
    EXPECT_EQ(vmcb->control().clean, 0x7f7U);
}

TEST_F(Events, offer_that_the_processor_took_does_not_wait) {
    hv::svm::offer_interrupt(*vmcb, 0x31);
    int_ctl &= ~(uint64_t{1} << 8);  // what the processor does
    EXPECT_FALSE(hv::svm::is_interrupt_waiting(*vmcb));
}

}  // namespace
