// SPDX-License-Identifier: Apache-2.0
// Numbers that C++, assembly and the linker script of the PV test kernel share.
#pragma once

#define PV_VIRT_BASE 0xffffffff80000000
#define PV_INIT_P2M_VIRT 0xffffc90000000000

// Two stacks for each vCPU: of the program, and where exceptions enter.
#define PV_VCPUS 2
#define PV_STACK 0x4000
#define PV_STACKS_OF_VCPU 0x8000

// What enters the kernel besides exceptions, numbered behind the 256 vectors.
#define PV_ENTRY_SYSCALL 0x100
#define PV_ENTRY_SYSCALL32 0x101
#define PV_ENTRY_FAILSAFE 0x102
#define PV_ENTRY_EVENT 0x103
#define PV_ENTRY_NMI 0x104
