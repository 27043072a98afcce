// SPDX-License-Identifier: Apache-2.0
// 256 entry stubs that give every vector the same frame (hv/x86/traps.hpp), and their table.
    .text
    .altmacro
    .macro stub vector
    .align 16
trap_stub_\vector:
    // Vectors that push an error code themselves, [apm2] 8.2.
    .if (\vector == 8) || (\vector >= 10 && \vector <= 14) || (\vector == 17) || (\vector == 21) || (\vector == 29) || (\vector == 30)
    .else
    push $0
    .endif
    push $\vector
    jmp trap_common
    .endm

    .set i, 0
    .rept 256
    stub %i
    .set i, i + 1
    .endr

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
    call handle_trap
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
    iretq

    .section .rodata
    .align 8
    .global trap_stubs
trap_stubs:
    .macro entry vector
    .quad trap_stub_\vector
    .endm
    .set i, 0
    .rept 256
    entry %i
    .set i, i + 1
    .endr
