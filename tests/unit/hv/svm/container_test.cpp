// SPDX-License-Identifier: Apache-2.0
// What a container is before it runs. Numbers are the manual's, not the product's constants.
#include "hv/svm/container.hpp"

#include "hv/svm/debug_registers.hpp"
#include "hv/svm/permissions.hpp"
#include "tests/unit/hv/mm/physical_memory.hpp"

#include <memory>

#include <gtest/gtest.h>

namespace {

using hv::Mfn;
using hv::Paddr;
using hv::svm::GuestRegisters;
using hv::svm::Segment;
using hv::svm::Vmcb;

constexpr uint32_t bits(std::initializer_list<unsigned> numbers) {
    uint32_t word = 0;
    for (const unsigned n : numbers) {
        word |= 1U << n;
    }
    return word;
}

void expect_segment(const Segment& got, const Segment& wanted) {
    EXPECT_EQ(got.selector, wanted.selector);
    EXPECT_EQ(got.attributes, wanted.attributes);
    EXPECT_EQ(got.limit, wanted.limit);
    EXPECT_EQ(got.base, wanted.base);
}

class Container : public testing::Test {
  protected:
    Container() {
        // As if another guest, or the emulator, had left its things in the frame.
        std::memset(static_cast<void*>(vmcb.get()), 0xa5, sizeof(Vmcb));
        hv::svm::build_permission_maps(Mfn{2}, {});
        hv::svm::init(*vmcb, Paddr{0x7000}, 1);
    }
    PhysicalMemory memory{8};
    std::unique_ptr<Vmcb> vmcb = std::make_unique<Vmcb>();
    GuestRegisters registers{};
};

// [apm2] table B-1. Ports, MSRs, SVM's own instructions and what would stop or leave the CPU exit;
// of CR accesses writes of CR8 (an emulator misreads others, and each would cost a guest). Of moves
// to debug registers those that arm breakpoints do. Of the exceptions #DB and #AC, whose delivery
// can raise the next without end, and #MC, which is the host's.
TEST_F(Container, exits_are_these_and_no_others) {
    const auto& control = vmcb->control();
    EXPECT_EQ(control.intercept[0], bits({24})) << "writes of CR8";
    EXPECT_EQ(control.intercept[1], bits({21, 23})) << "writes of DR7, under both its names";
    EXPECT_EQ(control.intercept[2], bits({1, 17, 18})) << "exceptions";
    EXPECT_EQ(control.intercept[3], bits({0, 1, 15, 18, 22, 24, 26, 27, 28, 31}));
    EXPECT_EQ(control.intercept[4], bits({0, 1, 2, 3, 4, 5, 6, 9, 10, 11, 12}));
    EXPECT_EQ(control.intercept[5], 0U);
}

TEST_F(Container, memory_ports_and_msrs_are_behind_its_maps) {
    const auto& control = vmcb->control();
    EXPECT_EQ(control.np_control, 1U) << "nested paging, and neither SEV nor GMET";
    EXPECT_EQ(control.ncr3, 0x7000U);
    EXPECT_EQ(control.asid, 1U);
    EXPECT_EQ(control.iopm_base, 2 * hv::page_size);
    EXPECT_EQ(control.msrpm_base, 5 * hv::page_size);
    EXPECT_EQ(control.int_ctl, uint64_t{1} << 24) << "the host's IF is not the guest's";
}

TEST_F(Container, nothing_is_left_of_what_the_frame_held) {
    const auto& control = vmcb->control();
    EXPECT_EQ(control.tsc_offset, 0U);
    EXPECT_EQ(control.tlb_control, 0U);
    EXPECT_EQ(control.eventinj, 0U);
    EXPECT_EQ(control.int_state, 0U);
    EXPECT_EQ(control.lbr_control, 0U);
    EXPECT_EQ(control.avic[0] | control.avic[1], 0U);
    EXPECT_EQ(control.clean, 0U) << "the processor must read everything";
    for (const uint64_t word : control.rsvd_0e0) {
        EXPECT_EQ(word, 0U);
    }
    EXPECT_EQ(vmcb->save().lstar | vmcb->save().cr3 | vmcb->save().cr2 | vmcb->save().rax, 0U);
}

TEST_F(Container, efer_svme_is_set_in_every_state) {
    constexpr uint64_t svme = 1 << 12;  // [apm2] 15.5.1: else VMEXIT_INVALID
    EXPECT_EQ(vmcb->save().efer, svme);
    hv::svm::set_flat32_state(*vmcb, registers, 0, 0);
    EXPECT_EQ(vmcb->save().efer, svme);
    hv::svm::set_startup_state(*vmcb, registers, 0);
    EXPECT_EQ(vmcb->save().efer, svme);
}

TEST_F(Container, pvh_starts_flat_and_without_paging) {
    registers.rdx = 0xbad;
    vmcb->save().cr3 = 0xbad000;
    vmcb->control().eventinj = uint64_t{1} << 31;
    vmcb->mark_clean();
    hv::svm::set_flat32_state(*vmcb, registers, 0x1000200, 0x5000);
    const auto& save = vmcb->save();
    EXPECT_EQ(save.rip, 0x1000200U);
    EXPECT_EQ(registers.rbx, 0x5000U);
    EXPECT_EQ(registers.rdx, 0U);
    EXPECT_EQ(save.cr0, 0x11U);
    EXPECT_EQ(save.cr3 | save.cr4, 0U);
    EXPECT_EQ(save.rflags, 2U);
    expect_segment(save.cs, {0x08, 0xc9b, 0xffffffff, 0});
    for (const Segment* s : {&save.ds, &save.es, &save.ss}) {
        expect_segment(*s, {0x10, 0xc93, 0xffffffff, 0});
    }
    expect_segment(save.tr, {0, 0x8b, 0x67, 0});
    EXPECT_EQ(vmcb->control().eventinj, 0U);
    EXPECT_EQ(vmcb->control().clean, 0U);
}

// [apm2] table 14-1 and 15.27.8.
TEST_F(Container, startup_begins_in_real_mode_at_its_page) {
    registers.rax = 1;
    hv::svm::set_startup_state(*vmcb, registers, 0x9a);
    const auto& save = vmcb->save();
    EXPECT_EQ(save.rip, 0U);
    expect_segment(save.cs, {0x9a00, 0x9b, 0xffff, 0x9a000});
    expect_segment(save.ss, {0, 0x93, 0xffff, 0});
    expect_segment(save.idtr, {0, 0, 0xffff, 0});
    EXPECT_EQ(save.cr0, 0x60000010U);
    EXPECT_EQ(registers.rax, 0U);
    EXPECT_EQ(save.g_pat, 0x0007040600070406U);
    EXPECT_EQ(save.dr6, 0xffff0ff0U);
    EXPECT_EQ(save.dr7, 0x400U);
}

TEST_F(Container, new_state_keeps_the_container) {
    hv::svm::set_startup_state(*vmcb, registers, 1);
    EXPECT_EQ(vmcb->control().ncr3, 0x7000U);
    EXPECT_NE(vmcb->control().intercept[4], 0U);
}

// [apm2] table B-1, 15.5.1, 13.1.1.1.
TEST_F(Container, moves_that_arm_a_breakpoint_exit_and_no_others) {
    const auto& control = vmcb->control();
    vmcb->mark_clean();
    hv::svm::set_debug_control(*vmcb, 0x2);  // G0
    EXPECT_EQ(control.intercept[1], bits({16, 17, 18, 19, 21, 23}));
    EXPECT_EQ(control.clean, 0x7ffU & ~bits({0, 6}));
    EXPECT_EQ(vmcb->save().dr7, 0x402U);
    hv::svm::set_debug_control(*vmcb, 0x700);  // conditions, and none enabled
    EXPECT_EQ(control.intercept[1], bits({21, 23}));
    EXPECT_EQ(vmcb->save().dr7, 0x700U);
    hv::svm::set_debug_control(*vmcb, 0x40);
    hv::svm::set_startup_state(*vmcb, registers, 0);
    EXPECT_EQ(control.intercept[1], bits({21, 23})) << "INIT disarms";
}

TEST_F(Container, debug_registers_hold_what_they_can) {
    hv::svm::set_debug_control(*vmcb, ~uint64_t{0});
    EXPECT_EQ(vmcb->save().dr7, 0xffff07ffU) << "no general detect";
    hv::svm::set_debug_status(*vmcb, ~uint64_t{0});
    EXPECT_EQ(vmcb->save().dr6, 0xffffefffU);
    hv::svm::set_debug_status(*vmcb, 0);
    EXPECT_EQ(vmcb->save().dr6, 0xffff0ff0U);
}

TEST_F(Container, intercepts_change_one_bit_and_their_clean_bit) {
    vmcb->mark_clean();
    vmcb->set_intercept(hv::svm::Intercept::HLT, false);
    EXPECT_EQ(vmcb->control().intercept[3], bits({0, 1, 15, 18, 22, 26, 27, 28, 31}));
    EXPECT_EQ(vmcb->control().clean, 0x7feU);
    vmcb->set_intercept(hv::svm::Intercept::HLT, true);
    EXPECT_EQ(vmcb->control().intercept[3], bits({0, 1, 15, 18, 22, 24, 26, 27, 28, 31}));
}

}  // namespace
