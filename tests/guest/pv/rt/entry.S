// SPDX-License-Identifier: Apache-2.0
// Where a PV test kernel is entered: at its start, by exceptions, system calls and events, and the
// ways back. Frames are [xen-pub] arch-x86/xen-x86_64.h: rcx, r11, [error code,] rip, cs, rflags,
// rsp, ss. trap_common makes of each a pv::Trap (traps.hpp).
#include "tests/guest/pv/rt/layout.hpp"

#define HYPERCALL_IRET 23

    .text
    .globl pv_entry
pv_entry:
    cld
    mov %rsp, pv_first_rsp(%rip)
    mov %rsi, pv_first_rsi(%rip)
    lea pv_stacks + PV_STACK(%rip), %rsp
    xor %ebp, %ebp
    call pv_start
    ud2

    .globl pv_second_entry
pv_second_entry:                     // the stack is VCPUOP_initialise's
    cld
    xor %ebp, %ebp
    call pv_second_start
    ud2

// --- Entries.
    .macro trap_entry number, has_error
    .balign 32
    pop %rcx
    pop %r11
    .if \has_error == 0
    pushq $0
    .endif
    pushq $\number
    jmp trap_common
    .endm

    .globl pv_trap_entries
    .balign 32
pv_trap_entries:                     // 32 bytes each
    .set v, 0
    .rept 256
    .if (v == 8) || ((v >= 10) && (v <= 14)) || (v == 17) || (v == 21) || (v == 29) || (v == 30)
    trap_entry v, 1
    .else
    trap_entry v, 0
    .endif
    .set v, v + 1
    .endr

    .globl pv_syscall_entry
    .globl pv_syscall32_entry
    .globl pv_event_entry
    .globl pv_nmi_entry
    .globl pv_failsafe_entry
pv_syscall_entry:
    trap_entry PV_ENTRY_SYSCALL, 0
pv_syscall32_entry:
    trap_entry PV_ENTRY_SYSCALL32, 0
pv_event_entry:
    trap_entry PV_ENTRY_EVENT, 0
pv_nmi_entry:
    trap_entry PV_ENTRY_NMI, 0
// Below rip: the data segments.
    .balign 32
pv_failsafe_entry:
    pop %rcx
    pop %r11
    popq pv_failsafe_segments(%rip)
    popq pv_failsafe_segments + 8(%rip)
    popq pv_failsafe_segments + 16(%rip)
    popq pv_failsafe_segments + 24(%rip)
    pushq $0
    pushq $PV_ENTRY_FAILSAFE
    jmp trap_common

trap_common:
    push %rax
    push %rcx
    push %rdx
    push %rbx
    push %rbp
    push %rsi
    push %rdi
    push %r8
    push %r9
    push %r10
    push %r11
    push %r12
    push %r13
    push %r14
    push %r15
    cld
    mov %rsp, %rdi
    mov %rsp, %rbx
    and $-16, %rsp
    call pv_on_trap
    mov %rbx, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rdi
    pop %rsi
    pop %rbp
    pop %rbx
    pop %rdx
    pop %rcx
    pop %rax
    add $16, %rsp
// The hypercall iret, by the page or by SYSCALL: rax, r11, rcx, flags, rip, cs, rflags, rsp, ss.
iret_hypercall:
    pushq pv_iret_flags(%rip)
    cmpb $0, pv_uses_syscall(%rip)
    je pv_hypercall_page + HYPERCALL_IRET * 32
    push %rcx
    push %r11
    push %rax
    mov $HYPERCALL_IRET, %eax
    syscall
    ud2

// --- bool pv_try(void (*function)(void*), void* argument, uint64_t* recovery): true if it faulted;
// the handler then sets rip to pv_try_caught and rsp to *recovery.
    .globl pv_try
pv_try:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    push %rdx
    mov %rsp, (%rdx)
    mov %rdi, %rax
    mov %rsi, %rdi
    call *%rax
    xor %eax, %eax
1:  pop %rdx
    movq $0, (%rdx)
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret
    .globl pv_try_caught
pv_try_caught:
    mov $1, %eax
    jmp 1b

// --- void pv_enter_user(const pv::UserState*, uint64_t* kernel_rsp): comes back through
// pv_leave_user(kernel_rsp).
    .globl pv_enter_user
pv_enter_user:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, (%rsi)
    pushq 0x20(%rdi)                 // ss
    pushq 0x18(%rdi)                 // rsp
    pushq 0x10(%rdi)                 // rflags
    pushq 0x08(%rdi)                 // cs
    pushq 0x00(%rdi)                 // rip
    mov 0x28(%rdi), %rax
    mov 0x30(%rdi), %rcx
    mov 0x38(%rdi), %rdx
    mov 0x40(%rdi), %rbx
    mov 0x48(%rdi), %rsi
    mov 0x58(%rdi), %rbp
    mov 0x60(%rdi), %r8
    mov 0x68(%rdi), %r9
    mov 0x70(%rdi), %r10
    mov 0x78(%rdi), %r11
    mov 0x50(%rdi), %rdi
    jmp iret_hypercall
    .globl pv_leave_user
pv_leave_user:
    mov %rdi, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret

    .section .bss
    .globl pv_hypercall_page
    .balign 4096
pv_hypercall_page:                   // filled by hv before the start
    .skip 4096
    .globl pv_shared_info_page
pv_shared_info_page:                 // its place is given to shared_info
    .skip 4096
    .globl pv_stacks
pv_stacks:
    .skip PV_VCPUS * PV_STACKS_OF_VCPU
    .globl pv_first_rsp
pv_first_rsp:
    .skip 8
    .globl pv_first_rsi
pv_first_rsi:
    .skip 8
    .globl pv_failsafe_segments
pv_failsafe_segments:                // ds, es, fs, gs
    .skip 32
    .globl pv_iret_flags
pv_iret_flags:
    .skip 8
    .globl pv_uses_syscall
pv_uses_syscall:
    .skip 1

    .section .note.GNU-stack, "", @progbits
