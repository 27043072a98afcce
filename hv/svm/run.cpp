// SPDX-License-Identifier: Apache-2.0
#include "hv/svm/run.hpp"

#include "hv/dev/log.hpp"
#include "hv/mm/direct_map.hpp"
#include "hv/svm/no_entry.hpp"
#include "hv/x86/cpu_local.hpp"
#include "hv/x86/instructions.hpp"

#include <cstddef>

extern "C" const std::byte svm_after_vmrun;
extern "C" void svm_enter(uint64_t guest_vmcb, hv::svm::GuestRegisters* registers,
                          uint64_t host_vmcb);

namespace hv::svm {

void run(Vmcb& vmcb, GuestRegisters& registers, Paddr host_vmcb) {
    vmcb.save().rax = registers.rax;
    vmcb.save().rsp = registers.rsp;
    EntryState before;
    before.keep(vmcb);
    const uint64_t rip_before = vmcb.save().rip;
    // SAFETY: a label of enter.S; only its address is used.
    const HostPlace host{reinterpret_cast<uint64_t>(&svm_after_vmrun), x86::read_cr3()};
    constexpr unsigned most_attempts = 3;
    for (unsigned attempt = 1;; ++attempt) {
        vmcb.control().exitcode = exitcode_of_no_exit;
        svm_enter(mm::to_paddr(&vmcb).value(), &registers, host_vmcb.value());
        if (bool& amid_entry = x86::this_cpu().amid_entry; amid_entry) {
            amid_entry = false;
            dev::log("the processor took an interrupt amid an entry, where GIF is clear");
        }
        if (attempt == most_attempts || !was_no_entry(vmcb, rip_before, host)) {
            break;
        }
        dev::log("the processor came back without entering the guest: entering again");
        before.put_back(vmcb);
    }
    registers.rax = vmcb.save().rax;
    registers.rsp = vmcb.save().rsp;
    vmcb.mark_clean();
    vmcb.control().tlb_control = 0;
    vmcb.control().eventinj = 0;
}

}  // namespace hv::svm
