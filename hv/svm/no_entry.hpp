// SPDX-License-Identifier: Apache-2.0
// An entry that was none. Seen on QEMU 7.2 in about one launch of a hundred: VMRUN comes back
// without having run a single instruction of the guest, either with the host's own state in the
// save area, or as a shutdown, because the walk used the wrong root. Used by run() alone.
#pragma once

#include "hv/svm/vmcb.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace hv::svm {

// What an entry needs again if it has to be repeated.
class EntryState {
  public:
    void keep(const Vmcb& vmcb);
    void put_back(Vmcb& vmcb) const;

  private:
    std::array<std::byte, offsetof(VmcbSave, dbgctl)> save_;
    uint64_t eventinj_;
};

// In EXITCODE before an entry: no exit has this one. Still there after it, VMRUN did nothing.
inline constexpr uint64_t exitcode_of_no_exit = 0x6e6f6578;

// Where the host is while its guest runs.
struct HostPlace {
    uint64_t rip = 0;  // of the instruction behind VMRUN
    uint64_t cr3 = 0;
};

// Whether nothing of the guest has happened since it was entered at `rip_before`, so that the entry
// can be repeated. A true triple fault at the first instruction looks the same; it happens again.
bool was_no_entry(const Vmcb& vmcb, uint64_t rip_before, const HostPlace& host);

}  // namespace hv::svm
