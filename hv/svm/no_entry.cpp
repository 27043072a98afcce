// SPDX-License-Identifier: Apache-2.0
#include "hv/svm/no_entry.hpp"

#include "hv/svm/exit_code.hpp"

#include <cstring>

namespace hv::svm {

void EntryState::keep(const Vmcb& vmcb) {
    std::memcpy(save_.data(), &vmcb.save(), save_.size());
    eventinj_ = vmcb.control().eventinj;
}

void EntryState::put_back(Vmcb& vmcb) const {
    std::memcpy(&vmcb.save(), save_.data(), save_.size());
    vmcb.control().eventinj = eventinj_;
    vmcb.all_changed();
}

bool was_no_entry(const Vmcb& vmcb, uint64_t rip_before, const HostPlace& host) {
    const VmcbSave& save = vmcb.save();
    if (vmcb.control().exitcode == exitcode_of_no_exit) {
        return true;
    }
    if (save.rip == host.rip && save.cr3 == host.cr3) {
        return true;
    }
    return vmcb.control().exitcode == static_cast<uint64_t>(ExitCode::SHUTDOWN) &&
           save.rip == rip_before;
}

}  // namespace hv::svm
