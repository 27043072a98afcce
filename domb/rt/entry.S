// SPDX-License-Identifier: Apache-2.0
// First instructions of every small domain: from PVH's 32-bit flat entry (ebx = hvm_start_info,
// [xen-pub] arch-x86/hvm/start_info.h) to C++ in long mode. Also the exception stubs.
// The first 4 GiB are mapped one to one; rt_start then takes write or execute rights from the image.

#define EFER_MSR 0xc0000080
#define EFER_LME_NXE ((1 << 8) | (1 << 11))
#define CR0_PG_WP ((1 << 31) | (1 << 16))
#define CR4_PAE (1 << 5)
#define PAGE_RW_2M 0x83  // present, writable, large

    .section .text.head, "ax"
    .code32
    .globl rt_entry
rt_entry:
    cld
    movl $rt_stack_top, %esp
    movl %ebx, %ebp

    movl $boot_pd, %edi
    movl $PAGE_RW_2M, %eax
1:  movl %eax, (%edi)
    movl $0x80000000, 4(%edi)        // no execute
    addl $8, %edi
    addl $0x200000, %eax
    jnc 1b                           // all 2048 entries: the address wraps at 4 GiB
    movl $0, boot_pd + 4             // the image lies within the first 4 MiB (rt.ld)
    movl $0, boot_pd + 12

    movl $boot_pdpt, %edi
    movl $boot_pd + 3, %eax
    movl $4, %ecx
2:  movl %eax, (%edi)
    addl $8, %edi
    addl $0x1000, %eax
    loop 2b
    movl $boot_pdpt + 3, rt_pml4

    movl %cr4, %eax
    orl $CR4_PAE, %eax
    movl %eax, %cr4
    movl $rt_pml4, %eax
    movl %eax, %cr3
    movl $EFER_MSR, %ecx
    rdmsr
    orl $EFER_LME_NXE, %eax
    wrmsr
    movl %cr0, %eax
    orl $CR0_PG_WP, %eax
    movl %eax, %cr0
    lgdt rt_gdt_pointer
    ljmp $0x08, $long_mode

    .code64
long_mode:
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl $rt_stack_top, %esp
    movl %ebp, %edi
    xorl %ebp, %ebp
    call rt_start
    ud2

// One stub per exception vector; all end in rt_trap(TrapFrame*) with an error code (0 if the
// processor gives none) and the vector above the saved registers.
    .text
    .macro stub vector, has_error=0
    .align 16
    .if \has_error == 0
    pushq $0
    .endif
    pushq $\vector
    jmp trap_common
    .endm

    .globl rt_trap_stubs
    .align 16
rt_trap_stubs:                       // 16 bytes each
    .set v, 0
    .rept 32
    .if (v == 8) || ((v >= 10) && (v <= 14)) || (v == 17) || (v == 21) || (v == 29) || (v == 30)
    stub v, 1
    .else
    stub v
    .endif
    .set v, v + 1
    .endr

trap_common:
    pushq %rax
    pushq %rcx
    pushq %rdx
    pushq %rbx
    pushq %rbp
    pushq %rsi
    pushq %rdi
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, %rdi
    cld
    call rt_trap                     // returns when the frame now says where to go on
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rdi
    popq %rsi
    popq %rbp
    popq %rbx
    popq %rdx
    popq %rcx
    popq %rax
    addq $16, %rsp
    iretq

    .data
    .align 8
    .globl rt_gdt
rt_gdt:
    .quad 0
    .quad 0x00af9b000000ffff         // 08 64-bit code
    .quad 0x00cf93000000ffff         // 10 data
    .quad 0, 0                       // 18 TSS, filled by rt_start
rt_gdt_pointer:
    .word . - rt_gdt - 1
    .long rt_gdt

    .section .bss
    .align 4096
    .globl rt_pml4
rt_pml4:
    .skip 4096
boot_pdpt:
    .skip 4096
    .globl boot_pd
boot_pd:
    .skip 4 * 4096
    .globl rt_image_tables
rt_image_tables:                     // page tables of the first 4 MiB
    .skip 2 * 4096
    .globl rt_stack_guard            // left unmapped
rt_stack_guard:
    .skip 4096
    .skip 16 * 4096
    .globl rt_stack_top
rt_stack_top:
    .skip 4096
    .globl rt_trap_stack_top
rt_trap_stack_top:

// PVH entry, for loaders of the ELF form: XEN_ELFNOTE_PHYS32_ENTRY.
    .section .note.pvh, "a", @note
    .align 4
    .long 4, 4, 18
    .asciz "Xen"
    .long rt_entry

    .section .note.GNU-stack, "", @progbits
