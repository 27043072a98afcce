// SPDX-License-Identifier: Apache-2.0
// The stub of the spike: code and data as one template of pages, mapped at L4 slot 260 in every page
// table of the guest and addressed relative to RIP, as hv would place one copy per vCPU. Here are
// what all variants share: the way in from C++ and back, exceptions that nobody expects, data.
#include "tests/guest/pv_spike/frame.inc"

    .section .data.spike_stub, "aw"
    .balign 4096
    .globl spike_stub
spike_stub:

// uint64_t spike_enter(const Entry*): starts at Entry; comes back with CALL_END's rdi, or with all
// ones after an exception that the variant did not take (spike_seen_*).
    .globl spike_enter
spike_enter:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, spike_home_rsp(%rip)
    lea spike_stack_top(%rip), %rsp
    pushq 32(%rdi)
    pushq 24(%rdi)
    pushq 16(%rdi)
    pushq 8(%rdi)
    pushq 0(%rdi)
    mov 40(%rdi), %rax
    mov 48(%rdi), %rbx
    mov 56(%rdi), %rsi
    mov %rax, %cr3
    iretq

leave:
    cli
    cld
    mov spike_home_cr3(%rip), %rax
    mov %rax, %cr3
    mov $HV_DS, %eax
    mov %eax, %ss
    mov spike_home_rsp(%rip), %rsp
    mov %rdi, %rax
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret

    .macro vector number, has_error=0
    .balign 16
    .if \has_error == 0
    pushq $0
    .endif
    pushq $\number
    jmp unexpected
    .endm

    .balign 16
    .globl spike_vectors
spike_vectors:                       // 16 bytes each
    .set v, 0
    .rept 32
    .if (v == 8) || ((v >= 10) && (v <= 14)) || (v == 17) || (v == 21) || (v == 29) || (v == 30)
    vector v, 1
    .else
    vector v
    .endif
    .set v, v + 1
    .endr

unexpected:                          // on the stack of IST 1
    popq spike_seen_vector(%rip)
    popq spike_seen_error(%rip)
    popq spike_seen_rip(%rip)
    mov %cr2, %rax
    mov %rax, spike_seen_cr2(%rip)
    mov $-1, %rdi
    jmp leave

// What a call gate in the GDT can lead to if nobody refuses it.
    .globl spike_gate_target
spike_gate_target:
    mov %cs, %edi
    jmp leave

// What a complete stub also does, and this one only looks for: a masked user, an event that became
// pending, other hypercalls. None occurs here.
slow:
    ud2

#include "tests/guest/pv_spike/bare.inc"
#include "tests/guest/pv_spike/cpl3.inc"
#include "tests/guest/pv_spike/cpl0.inc"

    .balign 4096
    .globl spike_stub_data
spike_stub_data:
    .macro word name
    .globl \name
\name:
    .quad 0
    .endm
    word spike_home_rsp
    word spike_home_cr3
    word spike_kernel_cr3
    word spike_user_cr3
    word spike_kernel_sp
    word spike_to_kernel_syscall
    word spike_to_kernel_fault
    word spike_vcpu_info
    word spike_in_kernel
    word spike_seen_vector
    word spike_seen_error
    word spike_seen_rip
    word spike_seen_cr2
user_rsp:
    .quad 0
scratch:
    .quad 0, 0, 0

// The GDT's page 14, as on Xen: selectors from 0xe000 on. GDTR's base is 0xe000 below it.
    .balign 4096
    .globl spike_gdt
spike_gdt:
    .quad 0
    .quad 0x00af9b000000ffff         // e008 64-bit code, DPL 0
    .quad 0x00cf93000000ffff         // e010 data, DPL 0
    .quad 0
    .quad 0x00cffb000000ffff         // e023 32-bit code, DPL 3
    .quad 0x00cff3000000ffff         // e02b data, DPL 3
    .quad 0x00affb000000ffff         // e033 64-bit code, DPL 3
    .quad 0
    .globl spike_tss_descriptor
spike_tss_descriptor:                // e040
    .quad 0, 0
    .quad 0x00af9f000000ffff         // e050 64-bit code, DPL 0, conforming
    .quad 0x00cf93000000ffff         // e058 data, DPL 0: SS of a SYSCALL into e050
    .globl spike_call_gate
spike_call_gate:                     // e060, DPL 3, filled by world.cpp
    .quad 0, 0
    .balign 4096
    .globl spike_idt
spike_idt:
    .skip 32 * 16
    .balign 2048
    .globl spike_tss
spike_tss:
    .skip 104
    .balign 4096
    .skip 2048
    .globl spike_trap_stack_top
spike_trap_stack_top:                // IST 1
    .skip 2048
    .globl spike_stack_top
spike_stack_top:                     // RSP 0 where a variant needs one
    .globl spike_stub_end
spike_stub_end:

    .section .note.GNU-stack, "", @progbits
