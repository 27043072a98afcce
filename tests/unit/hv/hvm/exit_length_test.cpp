// SPDX-License-Identifier: Apache-2.0
// Exits of instructions that are written in more than one way.
#include "hv/hvm/exit_length.hpp"

#include "hv/hvm/cpuid.hpp"
#include "hv/hvm/exit_cpuid.hpp"
#include "hv/hvm/exit_msr.hpp"
#include "hv/hvm/lapic.hpp"
#include "hv/hvm/msr.hpp"
#include "tests/fake/fake_machine.hpp"
#include "tests/unit/hv/hvm/bytes.hpp"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

namespace {

using hv::hvm::exit_length;
using What = hv::hvm::ExitInstruction;
using Code = std::vector<int>;

class ExitLength : public testing::Test {
  protected:
    ExitLength() {
        vcpu.lapic = &lapic;
        vcpu.msrs = &msrs;
        domain.domain().cpuid = &cpuid;
        use_code64();
    }
    void use_code64() {
        save.efer = 1 << 10;
        save.cs = {.selector = 0x10, .attributes = 0xa9b, .limit = ~0U, .base = 0};
    }
    void use_code32(uint64_t base) {
        save.efer = 0;
        save.cs = {.selector = 0x10, .attributes = 0xc9b, .limit = ~0U, .base = base};
    }
    void stop_at(uint64_t rip, const Code& code) {
        save.rip = rip;
        for (size_t i = 0; i < code.size(); ++i) {
            domain.at<uint8_t>(save.cs.base + rip + i) = static_cast<uint8_t>(code[i]);
        }
    }
    [[nodiscard]] bool is_ud_raised() const { return vmcb.control().eventinj == 0x80000306; }

    FakeMachine machine;
    FakeDomain& domain = machine.add_domain(1);
    hv::domain::Vcpu& vcpu = domain.vcpu();
    hv::svm::Vmcb& vmcb = *vcpu.vmcb;
    hv::svm::VmcbSave& save = vmcb.save();
    hv::hvm::LocalApic lapic{hv::VcpuId{0}, true};
    hv::hvm::Msrs msrs{40};
    hv::hvm::CpuidDomain cpuid{};
    static constexpr uint64_t last_page = (FakeDomain::ram_pages - 1) << hv::page_shift;
};

TEST_F(ExitLength, plain_forms) {
    stop_at(0x5000, {0x0f, 0xa2});
    EXPECT_EQ(exit_length(vcpu, What::Cpuid), 2U);
    stop_at(0x5000, {0x0f, 0x30});
    EXPECT_EQ(exit_length(vcpu, What::Wrmsr), 2U);
    stop_at(0x5000, {0x0f, 0x32});
    EXPECT_EQ(exit_length(vcpu, What::Rdmsr), 2U);
    stop_at(0x5000, {0xf4});
    EXPECT_EQ(exit_length(vcpu, What::Hlt), 1U);
    stop_at(0x5000, {0x0f, 0x09});
    EXPECT_EQ(exit_length(vcpu, What::Wbinvd), 2U);
}

// Linux pads WRMSR with a DS prefix where another instruction may take its place.
TEST_F(ExitLength, prefixes_count) {
    stop_at(0x5000, {0x3e, 0x0f, 0x30});
    EXPECT_EQ(exit_length(vcpu, What::Wrmsr), 3U);
    stop_at(0x5000, {0x66, 0x48, 0x0f, 0xa2});
    EXPECT_EQ(exit_length(vcpu, What::Cpuid), 4U);
    stop_at(0x5000, {0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
                     0x0f, 0xa2});
    EXPECT_EQ(exit_length(vcpu, What::Cpuid), 15U);
    EXPECT_EQ(vmcb.control().eventinj, 0U);
}

TEST_F(ExitLength, code_segment_counts_outside_of_64_bit_code) {
    use_code32(0x2000);
    stop_at(0x300, {0x2e, 0x0f, 0xa2});
    EXPECT_EQ(exit_length(vcpu, What::Cpuid), 3U);
    stop_at(0x300, {0x0f, 0xa2});
    EXPECT_EQ(exit_length(vcpu, What::Cpuid), 2U);
    use_code64();
    stop_at(0x300, {0x90, 0x90});
    EXPECT_EQ(exit_length(vcpu, What::Cpuid), std::nullopt) << "the base does not count there";
}

TEST_F(ExitLength, instructions_cross_pages) {
    stop_at(0x5fff, {0x0f, 0xa2});
    EXPECT_EQ(exit_length(vcpu, What::Cpuid), 2U);
    stop_at(0x5ffe, {0x3e, 0x0f, 0x32});
    EXPECT_EQ(exit_length(vcpu, What::Rdmsr), 3U);
}

TEST_F(ExitLength, end_of_memory_behind_the_instruction_is_no_matter) {
    const uint64_t end = last_page + hv::page_size;
    stop_at(end - 2, {0x0f, 0xa2});
    EXPECT_EQ(exit_length(vcpu, What::Cpuid), 2U);
    stop_at(end - 3, {0x3e, 0x0f, 0xa2});
    EXPECT_EQ(exit_length(vcpu, What::Cpuid), 3U);
}

// A user's second thread can unmap or rewrite the code between the exit and our reading.
TEST_F(ExitLength, code_that_is_gone_or_changed_is_tried_again) {
    save.rip = last_page + hv::page_size;
    EXPECT_EQ(exit_length(vcpu, What::Cpuid), std::nullopt);
    stop_at(last_page + hv::page_size - 2, {0x3e, 0x0f});
    EXPECT_EQ(exit_length(vcpu, What::Cpuid), std::nullopt);
    stop_at(0x5000, {0x90, 0x90});
    EXPECT_EQ(exit_length(vcpu, What::Cpuid), std::nullopt);
    stop_at(0x5000, {0x0f, 0x32});
    EXPECT_EQ(exit_length(vcpu, What::Wrmsr), std::nullopt);
    EXPECT_EQ(vmcb.control().eventinj, 0U);
    EXPECT_TRUE(machine.ended.empty());
}

TEST_F(ExitLength, code_that_is_no_instruction_any_more_is_ud) {
    Code endless(15, 0x66);
    stop_at(0x5000, endless);
    EXPECT_EQ(exit_length(vcpu, What::Cpuid), std::nullopt);
    EXPECT_TRUE(is_ud_raised());
    EXPECT_TRUE(machine.ended.empty()) << "user code must not end its domain";
}

TEST_F(ExitLength, cpuid_answers_and_goes_on_behind_its_prefixes) {
    stop_at(0x5000, {0x3e, 0x0f, 0xa2});
    vcpu.registers.rax = 0x40000000;
    vmcb.control().int_state = 1;
    hv::hvm::handle_cpuid(vcpu);
    EXPECT_EQ(save.rip, 0x5003U);
    EXPECT_EQ(vcpu.registers.rbx, 0x566e6558U);  // "XenV"
    EXPECT_EQ(vmcb.control().int_state, 0U);
}

TEST_F(ExitLength, cpuid_that_is_tried_again_changes_nothing) {
    stop_at(0x5000, {0x90, 0x90});
    vcpu.registers.rax = 0x40000000;
    hv::hvm::handle_cpuid(vcpu);
    EXPECT_EQ(save.rip, 0x5000U);
    EXPECT_EQ(vcpu.registers.rax, 0x40000000U);
}

TEST_F(ExitLength, msr_exits_go_on_behind_their_prefixes) {
    constexpr uint32_t tpr = 0x808, apic_base = 0x1b;
    vcpu.registers.rcx = apic_base;
    vcpu.registers.rax = 0xfee00d00;  // x2APIC
    vmcb.control().exitinfo1 = 1;
    stop_at(0x5000, {0x3e, 0x0f, 0x30});
    hv::hvm::handle_msr(vcpu);
    EXPECT_EQ(save.rip, 0x5003U);
    ASSERT_EQ(lapic.mode(), hv::hvm::ApicMode::X2Apic);

    lapic.set_cr8(9);
    vcpu.registers.rcx = tpr;
    vmcb.control().exitinfo1 = 0;
    stop_at(0x6000, {0x3e, 0x3e, 0x0f, 0x32});
    hv::hvm::handle_msr(vcpu);
    EXPECT_EQ(save.rip, 0x6004U);
    EXPECT_EQ(vcpu.registers.rax, 0x90U);
}

TEST_F(ExitLength, write_whose_code_has_changed_is_not_carried_out) {
    vcpu.registers.rcx = 0x1b;
    vcpu.registers.rax = 0xfee00d00;
    vmcb.control().exitinfo1 = 1;
    stop_at(0x5000, {0x0f, 0x32});
    hv::hvm::handle_msr(vcpu);
    EXPECT_EQ(save.rip, 0x5000U);
    EXPECT_EQ(lapic.mode(), hv::hvm::ApicMode::XApic);
}

TEST_F(ExitLength, msr_that_faults_stays_where_it_is) {
    vcpu.registers.rcx = 0x12345678;
    vmcb.control().exitinfo1 = 0;
    stop_at(0x5000, {0x0f, 0x32});
    hv::hvm::handle_msr(vcpu);
    EXPECT_EQ(save.rip, 0x5000U);
    EXPECT_EQ(vmcb.control().eventinj, 0x80000b0dU);
}

}  // namespace
