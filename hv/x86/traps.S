// SPDX-License-Identifier: Apache-2.0
// 256 entry stubs that give every vector the same frame (hv/x86/traps.hpp), and their table.
#include "hv/x86/trap_layout.hpp"

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
    xor %r12d, %r12d
    mov TRAP_RIP(%rsp), %rax
    lea svm_guest_segments(%rip), %rcx
    cmp %rcx, %rax
    jb 1f
    lea svm_host_segments(%rip), %rcx
    cmp %rcx, %rax
    jb amid_entry
1:  mov %rsp, %rdi
    call handle_trap
    test %r12, %r12
    jz 2f
    mov %r12, %rax                  // the guest's segments again
    vmload %rax
2:
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

// With GIF clear nothing can interrupt an entry, [apm2] 15.17. The emulated processor has done it all
// the same (hv/svm/no_entry.hpp has why), and then GS is the guest's. The GDT is the host's on both sides
// of VMRUN, and each CPU's is within its CpuLocal.
amid_entry:
    sub $16, %rsp
    sgdt (%rsp)
    mov 2(%rsp), %rbx
    add $16, %rsp
    sub $CPU_LOCAL_GDT, %rbx
    lea svm_guest_saved(%rip), %rcx
    cmp %rcx, %rax
    jae 3f
    lea svm_after_vmrun(%rip), %rdx
    cmp %rdx, %rax
    jae 4f
    mov %rcx, TRAP_RIP(%rsp)        // not in yet: back at once, or what came would wait for long
    jmp 3f
4:  mov TRAP_RAX(%rsp), %rax        // the guest's VMCB, up to svm_guest_saved
    vmsave %rax
    mov %rax, %r12
3:  mov CPU_LOCAL_HOST_VMCB(%rbx), %rax
    vmload %rax
    movb $1, CPU_LOCAL_AMID_ENTRY(%rbx)
    jmp 1b

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
