// SPDX-License-Identifier: Apache-2.0
#include "hv/svm/no_entry.hpp"

#include "hv/svm/exit_code.hpp"

#include <cstring>
#include <initializer_list>
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

// What run() does with what entries came to: each of these is one.
class Entries : public NoEntry {
  protected:
    struct Entry {
        ExitCode code;
        bool was_interrupted = false;
        bool has_run = false;
    };
    bool run(std::initializer_list<Entry> entries) {
        vmcb->save().rip = rip;
        vmcb->control().eventinj = event;
        vmcb->control().tlb_control = 1;
        state.keep(*vmcb, registers);
        const auto* next = entries.begin();
        const bool has_entered = enter_until_exit(
            *vmcb, registers, state, host,
            [&] {
                if (next == entries.end()) {
                    ADD_FAILURE() << "entered again";
                    return false;
                }
                EXPECT_EQ(vmcb->save().rip, rip) << "not from where it was";
                EXPECT_EQ(vmcb->control().eventinj, event);
                vmcb->mark_clean();
                vmcb->save().rip = host.rip;
                vmcb->save().cr3 = host.cr3;
                vmcb->control().eventinj = 0;
                vmcb->control().exitintinfo = 0x80000020;
                vmcb->control().exitcode = static_cast<uint64_t>(next->code);
                if (next->code == ExitCode::CPUID) {
                    vmcb->save().rip = rip + 2;
                }
                registers.r15 += next->has_run ? 1 : 0;
                return next++->was_interrupted;
            },
            [&](Outcome) { ++told; });
        EXPECT_EQ(next, entries.end());
        return has_entered;
    }
    [[nodiscard]] ExitCode exit_code() const { return ExitCode{vmcb->control().exitcode}; }
    static constexpr uint64_t event = 0x80000202;
    int told = 0;
};

TEST_F(Entries, first_one_is_mostly_one) {
    EXPECT_TRUE(run({{ExitCode::CPUID, true}}));
    EXPECT_EQ(exit_code(), ExitCode::CPUID);
    EXPECT_EQ(told, 0);
}

TEST_F(Entries, are_repeated_until_one_is_one) {
    EXPECT_TRUE(run({{ExitCode::NPF}, {no_exit}, {ExitCode::CPUID}}));
    EXPECT_EQ(exit_code(), ExitCode::CPUID);
    EXPECT_EQ(told, 2);
}

TEST_F(Entries, end_when_it_is_no_use) {
    EXPECT_TRUE(run({{no_exit}, {ExitCode::NPF}, {ExitCode::SHUTDOWN}}));
    EXPECT_EQ(exit_code(), ExitCode::SHUTDOWN);
    EXPECT_TRUE(run({{ExitCode::NPF, true, true}}));
    EXPECT_EQ(exit_code(), no_exit) << "the guest's state is lost";
}

// The interrupt may be the kick of a CPU that waits until this one has looked around: entering
// again it would wait for ever.
TEST_F(Entries, are_not_repeated_before_an_interrupt_was_looked_at) {
    EXPECT_FALSE(run({{ExitCode::NPF}, {ExitCode::NPF, true}}));
    EXPECT_EQ(exit_code(), ExitCode::INTR);
    EXPECT_EQ(vmcb->save().rip, rip);
    const auto& control = vmcb->control();
    EXPECT_EQ(control.eventinj, event) << "it is still to be delivered";
    EXPECT_EQ(control.exitintinfo, 0U) << "nothing was being delivered";
    EXPECT_EQ(control.tlb_control, 1U) << "it is still to be flushed";
    EXPECT_EQ(control.clean, 0U);
}

}  // namespace
