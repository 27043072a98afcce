// SPDX-License-Identifier: Apache-2.0
// Where the stub finds its data, relative to its own text; plain numbers because assembly includes
// this file. One block of pages per vCPU:
//   text (2 pages, the same two frames in every block), data, trap table, IDT, fault stack,
//   the page with the vCPU's vcpu_info; from page 32 on the GDT, whose last pages are hv's, and the
//   LDT.
#define STUB_TEXT_PAGES 2
#define STUB_DATA 0x2000
#define STUB_TRAPS 0x3000
#define STUB_IDT 0x4000
#define STUB_FAULT_STACK 0x5000
#define STUB_ENTRY_STACK_TOP 0x5800  // with tables of its own; the upper half is for double faults
#define STUB_VCPU_INFO_PAGE 0x6000
#define STUB_GDT 0x20000
#define STUB_LDT 0x30000
#define STUB_BLOCK 0x40000

// The data page. It begins with the TSS ([apm2] 12.2.5), whose RSP0 is the kernel's stack, or the
// entry stack if the kernel's is not mapped for user space.
#define STUB_RSP0 (STUB_DATA + 0x04)
#define STUB_VCPU_INFO (STUB_DATA + 0x70)
#define STUB_IN_KERNEL (STUB_DATA + 0x78)
#define STUB_MASKS_EVENTS (STUB_DATA + 0x79)  // STUB_MASKS_*: callbacks that mask events
#define STUB_USER_RSP (STUB_DATA + 0x80)
#define STUB_EVENT (STUB_DATA + 0x88)
#define STUB_FAILSAFE (STUB_DATA + 0x90)
#define STUB_SYSCALL (STUB_DATA + 0x98)
#define STUB_SYSCALL32 (STUB_DATA + 0xa0)
#define STUB_RAM_FRAMES (STUB_DATA + 0xa8)  // mapped from STUB_RAM_VIRT on
#define STUB_L4_ENTRY (STUB_DATA + 0xb0)    // what is in slot STUB_L4_SLOT of a table in use
#define STUB_USER_ROOT (STUB_DATA + 0xb8)   // NEW_USER_BASEPTR, machine address
#define STUB_VCPUS (STUB_DATA + 0xc0)
#define STUB_KERNEL_ROOT (STUB_DATA + 0xc8)  // NEW_BASEPTR, machine address
#define STUB_KERNEL_RSP (STUB_DATA + 0xd0)   // stack_switch
#define STUB_SEPARATE (STUB_DATA + 0xd8)     // user space needs tables of its own: CR3 changes
#define STUB_DECIDED (STUB_DATA + 0xd9)      // hv has looked whether it does

#define STUB_MASKS_FAILSAFE 1
#define STUB_MASKS_SYSCALL 2
#define STUB_MASKS_SYSCALL32 4

// The block is in this slot; the next one maps the guest's RAM below 3 GiB for the stub.
#define STUB_L4_SLOT 260
#define STUB_AREA_VIRT 0xffff820000000000
#define STUB_RAM_VIRT 0xffff828000000000

// Descriptors beside Xen's own in hv's part of the GDT: SYSCALL loads the first and, eight further,
// the second; the kernel runs with them.
#define STUB_KERNEL_CS 0xe038
#define STUB_KERNEL_SS 0xe040
#define STUB_TSS 0xe048

// Events come as this interrupt; of the exceptions' vectors the last that none has.
#define STUB_EVENT_VECTOR 31

// What the stub asks of hv by VMMCALL, in RAX; all other registers are the guest's.
#define STUB_OP_LOOK 0xffffff00  // events are unmasked and pending
#define STUB_OP_WRITE_FAULT \
    0xffffff01  // a write by the kernel to a read-only page; RAX: 1 if mended
#define STUB_OP_NO_HANDLER 0xffffff02    // no return
#define STUB_OP_DOUBLE_FAULT 0xffffff03  // no return
