// SPDX-License-Identifier: Apache-2.0
// void svm_enter(uint64_t guest_vmcb_pa, GuestRegisters* registers, uint64_t host_vmcb_pa)
// One trip into the container and back, [apm2] 15.5, 15.17. Called with interrupts off. While GIF is
// clear, IF is set so that V_INTR_MASKING turns host interrupts into exits; after STGI they are
// taken here, on the host's stack, before the function returns with interrupts off again.
    .text
    .global svm_enter
svm_enter:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    push %rdx                       // host VMCB
    push %rsi                       // registers
    clgi
    sti
    mov %rdi, %rax
    vmload %rax
    .global svm_guest_segments
svm_guest_segments:
    mov 0x08(%rsi), %rcx
    mov 0x10(%rsi), %rdx
    mov 0x18(%rsi), %rbx
    mov 0x28(%rsi), %rbp
    mov 0x38(%rsi), %rdi
    mov 0x40(%rsi), %r8
    mov 0x48(%rsi), %r9
    mov 0x50(%rsi), %r10
    mov 0x58(%rsi), %r11
    mov 0x60(%rsi), %r12
    mov 0x68(%rsi), %r13
    mov 0x70(%rsi), %r14
    mov 0x78(%rsi), %r15
    mov 0x30(%rsi), %rsi
    vmrun %rax
    .global svm_after_vmrun
svm_after_vmrun:
    // VMEXIT has restored rax (guest VMCB) and rsp; all else is the guest's.
    push %rsi
    mov 8(%rsp), %rsi
    mov %rcx, 0x08(%rsi)
    mov %rdx, 0x10(%rsi)
    mov %rbx, 0x18(%rsi)
    mov %rbp, 0x28(%rsi)
    mov %rdi, 0x38(%rsi)
    mov %r8, 0x40(%rsi)
    mov %r9, 0x48(%rsi)
    mov %r10, 0x50(%rsi)
    mov %r11, 0x58(%rsi)
    mov %r12, 0x60(%rsi)
    mov %r13, 0x68(%rsi)
    mov %r14, 0x70(%rsi)
    mov %r15, 0x78(%rsi)
    pop %rcx
    mov %rcx, 0x30(%rsi)
    vmsave %rax
    .global svm_guest_saved
svm_guest_saved:
    pop %rsi
    pop %rax                        // host VMCB
    vmload %rax
    .global svm_host_segments
svm_host_segments:
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    stgi
    nop                             // pending interrupts are taken here
    cli
    ret
