// SPDX-License-Identifier: Apache-2.0
// DR6 and DR7 of a guest, which are its VMCB's, and what keeps its breakpoints its own. QEMU 7.2
// arms breakpoints at MOV to a debug register, and neither takes them away at #VMEXIT nor looks at
// DR7 when one is met: a guest's would fire in the hypervisor and in other domains. So the
// hypervisor makes the moves that arm one: to DR7, and to DR0 to DR3 while DR7 enables any. VMRUN
// then arms what DR7 says, [apm2] 15.5.1; in QEMU 7.2 it arms nothing.
#pragma once

#include "hv/svm/vmcb.hpp"

#include <cstdint>

namespace hv::svm {

inline constexpr uint64_t dr7_reset = 0x400;
inline constexpr uint64_t dr7_general_detect = 0x2000;  // not offered: DR7 is never locked

// Writes DR6 or DR7; bits that cannot be set are left out. [apm2] 13.1.1.
void set_debug_status(Vmcb& vmcb, uint64_t dr6);
void set_debug_control(Vmcb& vmcb, uint64_t dr7);

}  // namespace hv::svm
