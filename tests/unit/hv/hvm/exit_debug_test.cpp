// SPDX-License-Identifier: Apache-2.0
// MOV to DR6 and DR7 that the hypervisor makes. Those to DR0 to DR3 write the processor's.
#include "hv/hvm/exit_debug.hpp"

#include "tests/fake/fake_machine.hpp"

#include <initializer_list>

#include <gtest/gtest.h>

namespace {

class ExitDebug : public testing::Test {
  protected:
    ExitDebug() {
        save.efer = 1 << 10;
        save.cs = {.selector = 0x10, .attributes = 0xa9b, .limit = ~0U, .base = 0};
        save.dr6 = 0xffff0ff0;
        save.dr7 = 0x400;
    }
    void use_code32() {
        save.efer = 0;
        save.cs.attributes = 0xc9b;
    }
    void exit_at(std::initializer_list<uint8_t> code) {
        save.rip = rip;
        uint64_t at = rip;
        for (const uint8_t byte : code) {
            domain.at<uint8_t>(at++) = byte;
        }
        hv::hvm::handle_debug_write(vcpu);
    }
    [[nodiscard]] uint64_t raised() const { return vmcb.control().eventinj; }

    static constexpr uint64_t rip = 0x5000;
    static constexpr uint64_t ud = 0x80000306, gp = 0x80000b0d;
    FakeMachine machine;
    FakeDomain& domain = machine.add_domain(1);
    hv::domain::Vcpu& vcpu = domain.vcpu();
    hv::svm::Vmcb& vmcb = *vcpu.vmcb;
    hv::svm::VmcbSave& save = vmcb.save();
};

TEST_F(ExitDebug, dr7_is_the_vmcbs) {
    vcpu.registers.rax = 0x402;
    exit_at({0x0f, 0x23, 0xf8});  // mov %rax,%dr7
    EXPECT_EQ(save.dr7, 0x402U);
    EXPECT_EQ(save.rip, rip + 3);
    EXPECT_EQ(raised(), 0U);
    vcpu.registers.r9 = 0xffffffff;
    exit_at({0x41, 0x0f, 0x23, 0xf9});  // mov %r9,%dr7
    EXPECT_EQ(save.dr7, 0xffff07ffU) << "general detect is not set";
    EXPECT_EQ(save.rip, rip + 4);
}

TEST_F(ExitDebug, dr5_is_dr7_unless_extensions_are_on) {
    vcpu.registers.rcx = 0x401;
    exit_at({0x0f, 0x23, 0xe9});  // mov %rcx,%dr5
    EXPECT_EQ(save.dr7, 0x401U);
    save.dr7 = 0x400;
    save.cr4 = 1 << 3;
    exit_at({0x0f, 0x23, 0xe9});
    EXPECT_EQ(save.dr7, 0x400U);
    EXPECT_EQ(save.rip, rip);
    EXPECT_EQ(raised(), ud);
}

TEST_F(ExitDebug, dr6_too_where_every_move_exits) {
    vcpu.registers.rdx = 0x1;
    exit_at({0x0f, 0x23, 0xf2});  // mov %rdx,%dr6
    EXPECT_EQ(save.dr6, 0xffff0ff1U);
    EXPECT_EQ(save.dr7, 0x400U);
}

TEST_F(ExitDebug, high_half_faults_in_64_bit_code_and_is_not_there_in_32_bit_code) {
    vcpu.registers.rax = uint64_t{1} << 32 | 0x401;
    exit_at({0x0f, 0x23, 0xf8});
    EXPECT_EQ(raised(), gp);
    EXPECT_EQ(save.dr7, 0x400U);
    EXPECT_EQ(save.rip, rip);
    vmcb.control().eventinj = 0;
    use_code32();
    exit_at({0x0f, 0x23, 0xf8});
    EXPECT_EQ(raised(), 0U);
    EXPECT_EQ(save.dr7, 0x401U);
}

TEST_F(ExitDebug, user_space_may_not) {
    save.cpl = 3;
    vcpu.registers.rax = 0x401;
    exit_at({0x0f, 0x23, 0xf8});
    EXPECT_EQ(raised(), gp);
    EXPECT_EQ(save.dr7, 0x400U);
}

// Another CPU of the guest has changed the code: it enters again where it was.
TEST_F(ExitDebug, other_instruction_does_nothing) {
    vcpu.registers.rax = 0x401;
    exit_at({0x0f, 0x22, 0xd8});  // mov %rax,%cr3
    exit_at({0x0f, 0x21, 0xf8});  // mov %dr7,%rax
    EXPECT_EQ(save.rip, rip);
    EXPECT_EQ(raised(), 0U);
    EXPECT_EQ(save.dr7, 0x400U);
}

}  // namespace
