// SPDX-License-Identifier: Apache-2.0
#include "hv/svm/no_entry.hpp"

#include "hv/svm/exit_code.hpp"

#include <cstring>
#include <memory>

#include <gtest/gtest.h>

namespace {

using hv::svm::EntryState;
using hv::svm::ExitCode;
using hv::svm::HostPlace;
using hv::svm::Outcome;
using hv::svm::outcome_of;
using hv::svm::Vmcb;

constexpr HostPlace host{.rip = 0x201234, .cr3 = 0x5000};
constexpr uint64_t rip = 0xffffffff81000000;

class NoEntry : public testing::Test {
  protected:
    NoEntry() {
        registers.rbx = 5;
        vmcb->save().rip = rip;
        state.keep(*vmcb, registers);
    }
    Outcome came_back(ExitCode code, uint64_t rip_now, uint64_t cr3_now) {
        vmcb->control().exitcode = static_cast<uint64_t>(code);
        vmcb->save().rip = rip_now;
        vmcb->save().cr3 = cr3_now;
        return outcome_of(*vmcb, registers, state, host);
    }
    std::unique_ptr<Vmcb> vmcb = std::make_unique<Vmcb>();
    hv::svm::GuestRegisters registers{};
    EntryState state;
};

constexpr auto no_exit = static_cast<ExitCode>(hv::svm::exitcode_of_no_exit);

TEST_F(NoEntry, without_an_exit_there_was_no_entry) {
    EXPECT_EQ(came_back(no_exit, rip + 7, 0x1000), Outcome::NoEntry);
}

TEST_F(NoEntry, exit_of_the_guest_is_an_entry) {
    EXPECT_EQ(came_back(ExitCode::CPUID, rip, 0x1000), Outcome::Exit)
        << "the first instruction may exit";
    EXPECT_EQ(came_back(ExitCode::INTR, rip, 0x1000), Outcome::Exit);
    EXPECT_EQ(came_back(ExitCode::NPF, rip + 7, 0x1000), Outcome::Exit);
}

TEST_F(NoEntry, host_state_in_the_save_area_is_none) {
    EXPECT_EQ(came_back(ExitCode::INVALID, host.rip, host.cr3), Outcome::NoEntry);
    EXPECT_EQ(came_back(ExitCode::SHUTDOWN, host.rip, host.cr3), Outcome::NoEntry);
}

// A guest chooses its own RIP and CR3, so neither alone says that they are the host's.
TEST_F(NoEntry, guest_at_the_hosts_rip_or_root_is_an_entry) {
    EXPECT_EQ(came_back(ExitCode::VMMCALL, host.rip, 0x1000), Outcome::Exit);
    EXPECT_EQ(came_back(ExitCode::VMMCALL, rip + 9, host.cr3), Outcome::Exit);
}

TEST_F(NoEntry, shutdown_at_the_entrys_rip_is_none) {
    EXPECT_EQ(came_back(ExitCode::SHUTDOWN, rip, 0x1000), Outcome::NoEntry);
    EXPECT_EQ(came_back(ExitCode::SHUTDOWN, rip + 2, 0x1000), Outcome::Exit)
        << "the guest got further: a triple fault";
}

TEST_F(NoEntry, a_guest_that_has_run_is_not_entered_again) {
    registers.rax = registers.rsp = 7;  // of the VMCB: they say nothing
    EXPECT_EQ(came_back(ExitCode::NPF, host.rip, host.cr3), Outcome::NoEntry);
    registers.r15 = 1;
    EXPECT_EQ(came_back(ExitCode::NPF, host.rip, host.cr3), Outcome::Lost);
    EXPECT_EQ(came_back(no_exit, rip, 0x1000), Outcome::Lost);
    EXPECT_EQ(came_back(ExitCode::SHUTDOWN, rip, 0x1000), Outcome::Exit)
        << "a triple fault in a loop";
}

TEST_F(NoEntry, entry_is_repeated_from_where_it_was) {
    auto* bytes = reinterpret_cast<unsigned char*>(vmcb.get());
    for (size_t i = 0; i < sizeof(Vmcb); ++i) {
        bytes[i] = static_cast<unsigned char>(i * 7);
    }
    const Vmcb before = *vmcb;
    state.keep(*vmcb, registers);
    // What the host's state and an exit overwrite.
    std::memset(&vmcb->save(), 0xee, offsetof(hv::svm::VmcbSave, dbgctl));
    vmcb->control().eventinj = 0;
    vmcb->control().int_ctl = 0;
    vmcb->control().int_state = 1;
    vmcb->mark_clean();
    state.put_back(*vmcb);
    EXPECT_EQ(std::memcmp(&vmcb->save(), &before.save(), sizeof(hv::svm::VmcbSave)), 0);
    EXPECT_EQ(vmcb->control().eventinj, before.control().eventinj) << "else an event is lost";
    EXPECT_EQ(vmcb->control().int_ctl, before.control().int_ctl) << "else V_INTR_MASKING is lost";
    EXPECT_EQ(vmcb->control().int_state, before.control().int_state);
    EXPECT_EQ(vmcb->control().clean, 0U);
}

}  // namespace
