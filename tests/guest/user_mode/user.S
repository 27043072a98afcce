// SPDX-License-Identifier: Apache-2.0
// The way to CPL 3 and back, and what is tried there. Every instruction is followed by one that
// leaves user mode at the latest: UD2.
#define USER_SS 0x2b
#define USER_CS 0x33
#define VECTOR_UD 6
#define VECTOR_GP 13

    .text
// void user_run(const void* code): runs it at CPL 3 until it faults; user_fault says how.
    .globl user_run
user_run:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, kernel_rsp(%rip)
    push $USER_SS
    lea user_stack_top(%rip), %rax
    push %rax
    push $2  // RFLAGS: IOPL 0, interrupts off
    push $USER_CS
    push %rdi
    xor %eax, %eax
    xor %ecx, %ecx
    xor %edx, %edx
    iretq

    .globl user_on_ud
user_on_ud:
    push $0  // it has no error code
    movq $VECTOR_UD, user_fault(%rip)
    jmp back
    .globl user_on_gp
user_on_gp:
    movq $VECTOR_GP, user_fault(%rip)
back:
    pop user_fault + 8(%rip)
    pop user_fault + 16(%rip)
    mov kernel_rsp(%rip), %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret

// attempt VECTORS, INSTRUCTION: an entry of user_attempts (main.cpp has the layout).
.macro attempt vectors, instruction:vararg
    .text
1:  \instruction
    ud2
    .section .rodata.attempts, "a", @progbits
    .quad 1b, \vectors, 2f
    .section .rodata.names, "a", @progbits
2:  .asciz "\instruction"
.endm
#define GP (1 << VECTOR_GP)
#define UD (1 << VECTOR_UD)
#define GP_OR_UD (GP | UD)  // the domain does not have it, the processor does

    .section .rodata.attempts, "a", @progbits
    .balign 8
    .globl user_attempts
user_attempts:
    attempt GP, wbinvd
    attempt GP, invd
    attempt GP, hlt
    attempt GP, cli
    attempt GP, in $0x80, %al
    attempt GP, out %al, $0x80
    attempt GP, rdmsr
    attempt GP, wrmsr
    attempt GP, rdpmc
    attempt GP, mov %cr0, %rax
    attempt GP, mov %rax, %cr0
    attempt GP, mov %cr8, %rax
    attempt GP, mov %rax, %dr7
    attempt GP, clts
    attempt GP, invlpg (%rsp)
    attempt GP, swapgs
    attempt GP, lidt (%rsp)
    attempt UD, vmmcall
    attempt GP_OR_UD, xsetbv
    attempt GP_OR_UD, vmrun
    attempt GP_OR_UD, vmload
    attempt GP_OR_UD, vmsave
    attempt GP_OR_UD, stgi
    attempt GP_OR_UD, clgi
    attempt GP_OR_UD, invlpga %rax, %ecx
    attempt GP_OR_UD, skinit
    attempt GP_OR_UD, monitor
    attempt GP_OR_UD, mwait
    .section .rodata.attempts, "a", @progbits
    .globl user_attempts_end
user_attempts_end:

    .bss
    .balign 16
    .skip 4096
user_stack_top:
    .globl user_fault
user_fault:
    .skip 24
kernel_rsp:
    .skip 8
    .section .note.GNU-stack, "", @progbits
