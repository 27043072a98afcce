// SPDX-License-Identifier: Apache-2.0
// From the boot loader's 32-bit protected mode to 64-bit C++, for the boot CPU (start_multiboot1)
// and for the others (ap_trampoline, copied below 1 MiB). The page tables here map everything
// writable and executable for the few microseconds until boot.cpp has made real ones.
#include "hv/x86/selectors.hpp"

#define MULTIBOOT1_HEADER_MAGIC 0x1badb002
#define MULTIBOOT1_FLAGS 3              /* page-aligned modules, memory information */

#define CR0_PE_MP_NE_WP_PG 0x80010023
#define CR4_PAE_PGE_OSFXSR_OSXMMEXCPT 0x6a0
#define EFER_LME_NXE 0x900
#define MSR_EFER 0xc0000080

    .section .multiboot, "a"
    .align 4
    .long MULTIBOOT1_HEADER_MAGIC
    .long MULTIBOOT1_FLAGS
    .long -(MULTIBOOT1_HEADER_MAGIC + MULTIBOOT1_FLAGS)

// Turns paging and long mode on; clobbers eax, ecx, edx.
    .macro enable_long_mode
    mov $CR4_PAE_PGE_OSFXSR_OSXMMEXCPT, %eax
    mov %eax, %cr4
    mov $boot_pml4, %eax
    mov %eax, %cr3
    mov $MSR_EFER, %ecx
    rdmsr
    or $EFER_LME_NXE, %eax
    wrmsr
    mov $CR0_PE_MP_NE_WP_PG, %eax
    mov %eax, %cr0
    .endm

    .section .text.entry, "ax"
    .code32
    .global start_multiboot1
start_multiboot1:
    cli
    cld
    mov %eax, %esi                  // magic; the information block stays in ebx
    // One root entry, 512 entries of 1 GiB: the first 512 GiB.
    mov $boot_pdpt + 3, %eax
    mov %eax, boot_pml4
    xor %ecx, %ecx
1:  mov %ecx, %eax
    shl $30, %eax
    or $0x83, %eax
    mov %eax, boot_pdpt(, %ecx, 8)
    mov %ecx, %eax
    shr $2, %eax
    mov %eax, boot_pdpt + 4(, %ecx, 8)
    inc %ecx
    cmp $512, %ecx
    jb 1b
    enable_long_mode
    lgdt boot_gdt_descriptor
    ljmp $SELECTOR_CODE64, $start64

    .code64
start64:
    mov $SELECTOR_DATA, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    mov $boot_stack_top, %rsp
    mov %esi, %edi
    mov %ebx, %esi
    call boot_from_multiboot1
    ud2

// ---- Other CPUs. Copied to a page below 1 MiB; position independent until the far jump. ----
    .section .rodata.trampoline, "a"
    .code16
    .global ap_trampoline
    .global ap_trampoline_end
ap_trampoline:
    cli
    mov %cs, %ax
    mov %ax, %ds
    lgdtl ap_gdt_descriptor - ap_trampoline
    mov %cr0, %eax
    or $1, %eax
    mov %eax, %cr0
    ljmpl $SELECTOR_CODE32, $ap_start32
ap_gdt_descriptor:
    .word boot_gdt_end - boot_gdt - 1
    .long boot_gdt
ap_trampoline_end:

    .section .text.entry, "ax"
    .code32
ap_start32:
    mov $SELECTOR_DATA, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    enable_long_mode
    ljmp $SELECTOR_CODE64, $ap_start64
    .code64
ap_start64:
    mov ap_stack_top, %rsp          // the boot CPU starts one at a time
    call boot_ap
    ud2

    .section .rodata
    .align 8
boot_gdt:
    .quad 0
    .quad 0x00209b0000000000        // SELECTOR_CODE64
    .quad 0x00cf93000000ffff        // SELECTOR_DATA
    .quad 0x00cf9b000000ffff        // SELECTOR_CODE32
boot_gdt_end:
boot_gdt_descriptor:
    .word boot_gdt_end - boot_gdt - 1
    .quad boot_gdt

    .bss
    .align 4096
boot_pml4:
    .skip 4096
boot_pdpt:
    .skip 4096
    .global boot_stack_bottom
boot_stack_bottom:
    .skip 65536                     // decoding a launch graph takes most of it
    .global boot_stack_top
boot_stack_top:
