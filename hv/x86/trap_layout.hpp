// SPDX-License-Identifier: Apache-2.0
// Offsets that traps.S needs: within its frame, and of CpuLocal. Plain numbers because assembly
// includes this file; cpu_local.hpp checks them.
#define TRAP_RAX 0x70
#define TRAP_RIP 0x88
#define CPU_LOCAL_HOST_VMCB 0x18
#define CPU_LOCAL_AMID_ENTRY 0x21
#define CPU_LOCAL_GDT 0x48
