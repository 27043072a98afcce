// SPDX-License-Identifier: Apache-2.0
#include "hv/svm/run.hpp"

#include "hv/base/text.hpp"
#include "hv/dev/log.hpp"
#include "hv/mm/direct_map.hpp"
#include "hv/svm/no_entry.hpp"
#include "hv/x86/cpu_local.hpp"
#include "hv/x86/instructions.hpp"

#include <atomic>
#include <cstddef>

extern "C" const std::byte svm_after_vmrun;
extern "C" void svm_enter(uint64_t guest_vmcb, hv::svm::GuestRegisters* registers,
                          uint64_t host_vmcb);

namespace hv::svm {

namespace {

// What the next one who meets this will ask. A guest can make its exits look like this, so not
// often.
void log_outcome(Outcome outcome, const Vmcb& vmcb, const EntryState& before) {
    constexpr unsigned most_lines = 16;
    static constinit std::atomic<unsigned> lines{0};
    if (lines.load(std::memory_order_relaxed) >= most_lines) {
        return;
    }
    lines.fetch_add(1, std::memory_order_relaxed);
    TextOf<320> text;
    const VmcbControl& control = vmcb.control();
    const VmcbSave& save = vmcb.save();
    text.put(outcome == Outcome::Lost ? "the processor lost the state of a guest"
                                      : "the processor came back without entering the guest")
        .put(": exit code ")
        .hex(control.exitcode)
        .put(" info ")
        .hex(control.exitinfo1)
        .put(" ")
        .hex(control.exitinfo2)
        .put(" interrupted ")
        .hex(control.exitintinfo)
        .put(" int_ctl ")
        .hex(control.int_ctl)
        .put(" rip ")
        .hex(save.rip)
        .put(" cr3 ")
        .hex(save.cr3)
        .put(" cr2 ")
        .hex(save.cr2)
        .put(", entered at ")
        .hex(before.rip());
    dev::log(text.view());
}

}  // namespace

void run(Vmcb& vmcb, GuestRegisters& registers, Paddr host_vmcb) {
    vmcb.save().rax = registers.rax;
    vmcb.save().rsp = registers.rsp;
    EntryState before;
    before.keep(vmcb, registers);
    // SAFETY: a label of enter.S; only its address is used.
    const HostPlace host{reinterpret_cast<uint64_t>(&svm_after_vmrun), x86::read_cr3()};
    const auto enter = [&] {
        svm_enter(mm::to_paddr(&vmcb).value(), &registers, host_vmcb.value());
        x86::CpuLocal& local = x86::this_cpu();
        if (local.amid_entry) {
            local.amid_entry = false;
            dev::log("the processor took an interrupt amid an entry, where GIF is clear");
        }
        return local.was_interrupted;
    };
    const auto tell = [&](Outcome outcome) { log_outcome(outcome, vmcb, before); };
    if (!enter_until_exit(vmcb, registers, before, host, enter, tell)) {
        return;
    }
    registers.rax = vmcb.save().rax;
    registers.rsp = vmcb.save().rsp;
    vmcb.mark_clean();
    vmcb.control().tlb_control = 0;
    vmcb.control().eventinj = 0;
}

}  // namespace hv::svm
