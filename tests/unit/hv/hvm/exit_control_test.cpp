// SPDX-License-Identifier: Apache-2.0
// MOV to CR8 that the hypervisor makes, and moves to other control registers that it lets happen.
#include "hv/hvm/exit_control.hpp"

#include "hv/hvm/lapic.hpp"
#include "hv/svm/events.hpp"
#include "tests/fake/fake_machine.hpp"

#include <initializer_list>

#include <gtest/gtest.h>

namespace {

class ExitControl : public testing::Test {
  protected:
    ExitControl() {
        vcpu.lapic = &lapic;
        save.efer = 1 << 10;
        save.cs = {.selector = 0x10, .attributes = 0xa9b, .limit = ~0U, .base = 0};
    }
    void exit_at(std::initializer_list<uint8_t> code) {
        save.rip = rip;
        uint64_t at = rip;
        for (const uint8_t byte : code) {
            domain.at<uint8_t>(at++) = byte;
        }
        hv::hvm::handle_control_write(vcpu);
    }
    [[nodiscard]] uint64_t raised() const { return vmcb.control().eventinj; }

    static constexpr uint64_t rip = 0x5000;
    static constexpr uint64_t gp = 0x80000b0d;
    FakeMachine machine;
    FakeDomain& domain = machine.add_domain(1);
    hv::domain::Vcpu& vcpu = domain.vcpu();
    hv::svm::Vmcb& vmcb = *vcpu.vmcb;
    hv::svm::VmcbSave& save = vmcb.save();
    hv::hvm::LocalApic lapic{hv::VcpuId{0}, true};
};

TEST_F(ExitControl, cr8_is_the_task_priority) {
    vcpu.registers.rax = 5;
    exit_at({0x44, 0x0f, 0x22, 0xc0});  // mov %rax,%cr8
    EXPECT_EQ(lapic.cr8(), 5);
    EXPECT_EQ(save.rip, rip + 4);
    vcpu.registers.r9 = 0xf;
    exit_at({0x45, 0x0f, 0x22, 0xc1});  // mov %r9,%cr8
    EXPECT_EQ(lapic.cr8(), 0xf);
    EXPECT_EQ(raised(), 0U);
}

TEST_F(ExitControl, cr8_by_lock_outside_64_bit_code) {
    save.efer = 0;
    save.cs.attributes = 0xc9b;
    vcpu.registers.rcx = uint64_t{1} << 32 | 7;
    exit_at({0xf0, 0x0f, 0x22, 0xc1});  // lock mov %ecx,%cr0
    EXPECT_EQ(lapic.cr8(), 7);
    EXPECT_EQ(save.rip, rip + 4);
}

TEST_F(ExitControl, cr8_has_four_bits) {
    for (const uint64_t value : {uint64_t{0x10}, uint64_t{1} << 32}) {
        vmcb.control().eventinj = 0;
        vcpu.registers.rax = value;
        exit_at({0x44, 0x0f, 0x22, 0xc0});
        EXPECT_EQ(raised(), gp);
        EXPECT_EQ(save.rip, rip);
        EXPECT_EQ(lapic.cr8(), 0);
    }
}

TEST_F(ExitControl, user_space_may_not) {
    save.cpl = 3;
    exit_at({0x44, 0x0f, 0x22, 0xc0});
    EXPECT_EQ(raised(), gp);
}

// Whatever else it is, also by now only, the guest executes it.
TEST_F(ExitControl, others_are_the_guests) {
    vcpu.registers.rax = 5;
    hv::svm::offer_interrupt(vmcb, 0x41);
    for (const auto& code : {std::initializer_list<uint8_t>{0x0f, 0x22, 0xd8},  // mov %rax,%cr3
                             {0x0f, 0x06},                                      // clts
                             {0x0f, 0x01, 0xf0},                                // lmsw %ax
                             {0x44, 0x0f, 0x20, 0xc0},                          // mov %cr8,%rax
                             {0x90}}) {
        vcpu.moves_to_control = false;
        exit_at(code);
        EXPECT_TRUE(vcpu.moves_to_control);
        EXPECT_EQ(save.rip, rip);
    }
    EXPECT_EQ(raised(), 0U);
    EXPECT_EQ(lapic.cr8(), 0);
}

// The intercept was for an offer that is taken.
TEST_F(ExitControl, others_need_no_leave_when_nothing_waits) {
    exit_at({0x0f, 0x22, 0xd8});
    EXPECT_FALSE(vcpu.moves_to_control);
    EXPECT_EQ(save.rip, rip);
    lapic.mmio_write(0xf0, 0x1ff, 0);
    lapic.accept(0x41);
    lapic.set_cr8(4);
    exit_at({0x0f, 0x22, 0xd8});
    EXPECT_TRUE(vcpu.moves_to_control) << "CR8 may let it come";
}

}  // namespace
