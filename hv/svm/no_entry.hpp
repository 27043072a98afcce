// SPDX-License-Identifier: Apache-2.0
// An entry that was none, on the emulated machine. FXRSTOR and XRSTOR of any CPU clear IGNNE# of
// QEMU's first CPU without a lock, in the word that also has its GIF and its nested paging. If that
// CPU is at VMRUN or #VMEXIT, one of these comes back as it was: the guest's first fetch goes past
// the nested page table (a shutdown), or the host's goes through it (a nested page fault with the
// host's own state in the save area). It was once in five minutes of two busy CPUs, until domains
// were kept off that CPU (boot/cpus.cpp); a machine that is not started so has this. Used by run()
// alone.
#pragma once

#include "hv/svm/exit_code.hpp"
#include "hv/svm/registers.hpp"
#include "hv/svm/vmcb.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace hv::svm {

// What an entry needs again if it has to be repeated: all that #VMEXIT writes.
class EntryState {
  public:
    void keep(const Vmcb& vmcb, const GuestRegisters& registers);
    void put_back(Vmcb& vmcb) const;
    [[nodiscard]] uint64_t rip() const { return rip_; }
    // Whether the registers that VMRUN does not touch are as they were: the guest has not run.
    [[nodiscard]] bool has_same(const GuestRegisters& registers) const;

  private:
    std::array<std::byte, offsetof(VmcbSave, dbgctl)> save_;
    GuestRegisters registers_;
    uint64_t rip_, int_ctl_, int_state_, eventinj_;
};

// In EXITCODE before an entry: no exit has this one. Still there after it, VMRUN did nothing. Also
// the exit code of a vCPU whose state was lost, so that its domain is ended.
inline constexpr uint64_t exitcode_of_no_exit = 0x6e6f6578;

// Where the host is while its guest runs.
struct HostPlace {
    uint64_t rip = 0;  // of the instruction behind VMRUN
    uint64_t cr3 = 0;
};

enum class Outcome : uint8_t {
    Exit,     // of the guest
    NoEntry,  // nothing of the guest has happened: the entry can be repeated
    Lost,     // the guest has run, and its state is gone
};

// What became of an entry from `before`. A true triple fault at the first instruction looks like
// NoEntry; it happens again.
Outcome outcome_of(const Vmcb& vmcb, const GuestRegisters& registers, const EntryState& before,
                   const HostPlace& host);

// Enters until the guest has been in, or it is no use; the exit code says which. `enter` enters
// once and returns whether an interrupt was taken, `tell` is told of every outcome but Exit.
// False: nothing of the guest has happened, and an interrupt came, which may be another CPU's kick.
// It is not repeated, so whoever called must look around before the guest is entered again; the
// exit code is that of an interrupt, and the entry's flush and event are still to come.
template <class Enter, class Tell>
[[nodiscard]] bool enter_until_exit(Vmcb& vmcb, const GuestRegisters& registers,
                                    const EntryState& before, const HostPlace& host, Enter enter,
                                    Tell tell) {
    constexpr unsigned most_attempts = 3;
    for (unsigned attempt = 1;; ++attempt) {
        vmcb.control().exitcode = exitcode_of_no_exit;
        const bool was_interrupted = enter();
        const Outcome outcome = outcome_of(vmcb, registers, before, host);
        if (outcome == Outcome::Exit) {
            return true;
        }
        tell(outcome);
        if (outcome == Outcome::Lost) {
            vmcb.control().exitcode = exitcode_of_no_exit;  // the end of its domain
            return true;
        }
        if (!was_interrupted && attempt == most_attempts) {
            return true;
        }
        before.put_back(vmcb);
        if (was_interrupted) {
            vmcb.control().exitcode = static_cast<uint64_t>(ExitCode::INTR);
            vmcb.control().exitintinfo = 0;
            return false;
        }
    }
}

}  // namespace hv::svm
