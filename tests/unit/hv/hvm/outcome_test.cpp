// SPDX-License-Identifier: Apache-2.0
// What comes behind an instruction that the hypervisor has carried out.
#include "hv/hvm/outcome.hpp"

#include "tests/fake/fake_machine.hpp"

#include <gtest/gtest.h>

namespace {

class Outcome : public testing::Test {
  protected:
    Outcome() {
        save.rip = 0x1000;
        save.rflags = 2;
        save.dr6 = 0xffff0ff0;
        vmcb.control().int_state = 1;
        vmcb.mark_clean();
    }
    FakeMachine machine;
    hv::domain::Vcpu& vcpu = machine.add_domain(1).vcpu();
    hv::svm::Vmcb& vmcb = *vcpu.vmcb;
    hv::svm::VmcbSave& save = vmcb.save();
};

TEST_F(Outcome, next_instruction_and_no_interrupt_shadow) {
    hv::hvm::skip(vcpu, 3);
    EXPECT_EQ(save.rip, 0x1003U);
    EXPECT_EQ(vmcb.control().int_state, 0U);
    EXPECT_EQ(vmcb.control().eventinj, 0U);
    EXPECT_EQ(save.dr6, 0xffff0ff0U);
    EXPECT_EQ(vmcb.control().clean, 0x7ffU);
}

// [apm2] 13.1.4: after the instruction, with DR6.BS.
TEST_F(Outcome, single_step_traps_behind_the_instruction) {
    save.rflags |= 1 << 8;
    hv::hvm::go_on_at(vcpu, 0x2000);
    EXPECT_EQ(save.rip, 0x2000U);
    EXPECT_EQ(vmcb.control().eventinj, 0x80000301U);
    EXPECT_EQ(save.dr6, 0xffff4ff0U);
    EXPECT_EQ(vmcb.control().clean, 0x7bfU) << "clean bit 6";
}

// [apm2] 3.1.6: RF keeps a breakpoint of the next instruction away only from one that faulted.
TEST_F(Outcome, resume_flag_was_for_this_instruction) {
    save.rflags |= 1 << 16;
    hv::hvm::skip(vcpu, 2);
    EXPECT_EQ(save.rflags, 2U);
}

}  // namespace
