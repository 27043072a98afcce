// SPDX-License-Identifier: Apache-2.0
// Boot step: descriptor tables of the boot CPU, and all other CPUs up.
#pragma once

#include "hv/boot/machine.hpp"
#include "hv/x86/cpu_local.hpp"

namespace hv::boot {

// Tables, APIC and SVM of the CPU that boots.
void start_boot_cpu(Machine& machine);
// INIT-SIPI-SIPI to every other usable CPU, one after the other; a CPU that does not answer within
// a second is left out and reported. They wait until release_cpus().
void start_other_cpus(Machine& machine);
// Lets every CPU enter `loop`, this one last; never returns.
[[noreturn]] void release_cpus(void (*loop)(CpuId));

x86::CpuLocal& cpu_local(CpuId id);

}  // namespace hv::boot
