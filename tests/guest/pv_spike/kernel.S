// SPDX-License-Identifier: Apache-2.0
// The PV kernel of the spike, the same code at CPL 3 and CPL 0, and its user program. Each fills
// pages of its own; page_tables.cpp gives them their rights. What the kernel does is nothing: the
// transitions are measured.
#include "tests/guest/pv_spike/frame.inc"

    .section .text.spike_kernel, "ax"
    .balign 4096
    .globl spike_kernel_code
spike_kernel_code:

// With what follows on the stack from rip on.
    .macro iret_by_syscall flags
    pushq $\flags
    push %rcx
    push %r11
    push %rax
    mov $CALL_IRET, %eax
    syscall
    .endm
    .macro iret_by_page flags
    pushq $\flags
    jmp *spike_hypercall_page_iret
    .endm

    .macro null_system_call name, way, flags
    .balign 16
    .globl spike_kernel_\name
spike_kernel_\name:
    pop %rcx
    pop %r11
    cmp $CALL_END, %eax
    je kernel_end
    incq spike_kernel_calls
    inc %eax
    \way \flags
    .endm
    null_system_call syscall, iret_by_syscall, VGCF_IN_SYSCALL
    null_system_call syscall_full, iret_by_syscall, 0
    null_system_call syscall_page, iret_by_page, VGCF_IN_SYSCALL
    null_system_call syscall_page_full, iret_by_page, 0
kernel_end:
    syscall                          // with the user's rax and rdi

// A fault whose page can be mapped is mapped; otherwise its instruction (2 bytes) is left out.
    .macro page_fault name, way
    .balign 16
    .globl spike_kernel_\name
spike_kernel_\name:
    pop %rcx
    pop %r11
    popq spike_frame_error
    pushq 8(%rsp)
    popq spike_frame_cs
    pushq 32(%rsp)
    popq spike_frame_ss
    incq spike_kernel_calls
    cmpq $0, spike_missing_entry
    jne 1f
    addq $2, (%rsp)
    \way 0
1:  push %rax
    push %rbx
    mov spike_missing_entry, %rbx
    mov spike_missing_value, %rax
    mov %rax, (%rbx)
    movq $0, spike_missing_entry
    pop %rbx
    pop %rax
    \way 0
    .endm
    page_fault fault, iret_by_syscall
    page_fault fault_page, iret_by_page

// rbx loads of the kernel from rsi, where nothing is.
    .globl spike_kernel_faults
spike_kernel_faults:
1:  movb (%rsi), %al
    dec %rbx
    jnz 1b
    xor %edi, %edi
    mov $CALL_END, %eax
    syscall
    .balign 4096

    .section .text.spike_user, "ax"
    .balign 4096
    .globl spike_user_code
spike_user_code:

// rbx system calls; each must answer.
    .globl spike_user_syscalls
spike_user_syscalls:
1:  mov $41, %eax
    syscall
    cmp $42, %eax
    jne user_bad
    dec %rbx
    jnz 1b
    .globl spike_user_end
spike_user_end:
    xor %edi, %edi
    mov $CALL_END, %eax
    syscall
user_bad:
    mov $1, %edi
    mov $CALL_END, %eax
    syscall

// rbx loads from rsi, where nothing is.
    .globl spike_user_faults
spike_user_faults:
1:  movb (%rsi), %al
    dec %rbx
    jnz 1b
    jmp spike_user_end

// Everything survives a system call but RAX, RCX and R11, and a fault nothing else than AL.
    .globl spike_user_registers
spike_user_registers:
    mov %rsp, %rbp
    mov $0x1111111111111111, %rdx
    mov $0x2222222222222222, %r8
    mov $0x3333333333333333, %r10
    mov $0x4444444444444444, %r15
    std
    mov $41, %eax
    syscall
    pushfq
    pop %rax
    cld
    and $0x400 | RFLAGS_IF, %eax
    cmp $0x400 | RFLAGS_IF, %eax
    jne user_bad
    call check_registers
    mov $0x5555555555555555, %rcx
    mov $0x6666666666666666, %r11
    movb (%rsi), %al                 // the kernel maps it
    call check_registers
    mov $0x5555555555555555, %rax
    cmp %rax, %rcx
    jne user_bad
    mov $0x6666666666666666, %rax
    cmp %rax, %r11
    jne user_bad
    movb (%rsi), %al
    cmpb $0x77, %al
    jne user_bad
    jmp spike_user_end
check_registers:
    mov $0x1111111111111111, %rax
    cmp %rax, %rdx
    jne user_bad
    mov $0x2222222222222222, %rax
    cmp %rax, %r8
    jne user_bad
    mov $0x3333333333333333, %rax
    cmp %rax, %r10
    jne user_bad
    mov $0x4444444444444444, %rax
    cmp %rax, %r15
    jne user_bad
    mov %cs, %eax
    cmp $FLAT_CS64, %eax
    jne user_bad
    mov %ss, %eax
    cmp $FLAT_DS, %eax
    jne user_bad
    lea 8(%rsp), %rax
    cmp %rax, %rbp
    jne user_bad
    ret
    .balign 4096
    .globl spike_user_code_end
spike_user_code_end:

    .section .bss.spike, "aw", @nobits
    .balign 4096
    .globl spike_user_stack
spike_user_stack:
    .skip 4096
    .globl spike_missing
spike_missing:                       // absent from all page tables
    .skip 4096
    .globl spike_kernel_stack
spike_kernel_stack:
    .skip 4096
    .globl spike_kernel_data
spike_kernel_data:
    .globl spike_kernel_calls
spike_kernel_calls:
    .skip 8
    .globl spike_frame_error         // what the last page fault's frame said
spike_frame_error:
    .skip 8
    .globl spike_frame_cs
spike_frame_cs:
    .skip 8
    .globl spike_frame_ss
spike_frame_ss:
    .skip 8
    .globl spike_missing_entry
spike_missing_entry:
    .skip 8
    .globl spike_missing_value
spike_missing_value:
    .skip 8
    .globl spike_hypercall_page_iret
spike_hypercall_page_iret:
    .skip 8
    .balign 64
    .globl spike_kernel_vcpu_info
spike_kernel_vcpu_info:
    .skip 64
    .balign 4096

    .section .note.GNU-stack, "", @progbits
