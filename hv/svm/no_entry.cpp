// SPDX-License-Identifier: Apache-2.0
#include "hv/svm/no_entry.hpp"

#include <cstring>

namespace hv::svm {

void EntryState::keep(const Vmcb& vmcb, const GuestRegisters& registers) {
    std::memcpy(save_.data(), &vmcb.save(), save_.size());
    registers_ = registers;
    rip_ = vmcb.save().rip;
    int_ctl_ = vmcb.control().int_ctl;
    int_state_ = vmcb.control().int_state;
    eventinj_ = vmcb.control().eventinj;
}

void EntryState::put_back(Vmcb& vmcb) const {
    std::memcpy(&vmcb.save(), save_.data(), save_.size());
    vmcb.control().int_ctl = int_ctl_;
    vmcb.control().int_state = int_state_;
    vmcb.control().eventinj = eventinj_;
    vmcb.all_changed();
}

bool EntryState::has_same(const GuestRegisters& registers) const {
    GuestRegisters others = registers;
    others.rax = registers_.rax;  // these two are the VMCB's
    others.rsp = registers_.rsp;
    return std::memcmp(&others, &registers_, sizeof(others)) == 0;
}

Outcome outcome_of(const Vmcb& vmcb, const GuestRegisters& registers, const EntryState& before,
                   const HostPlace& host) {
    const VmcbSave& save = vmcb.save();
    const uint64_t exitcode = vmcb.control().exitcode;
    const bool has_run = !before.has_same(registers);
    if (exitcode == exitcode_of_no_exit || (save.rip == host.rip && save.cr3 == host.cr3)) {
        return has_run ? Outcome::Lost : Outcome::NoEntry;
    }
    const bool is_shutdown = exitcode == static_cast<uint64_t>(ExitCode::SHUTDOWN);
    return is_shutdown && save.rip == before.rip() && !has_run ? Outcome::NoEntry : Outcome::Exit;
}

}  // namespace hv::svm
