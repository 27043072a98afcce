// SPDX-License-Identifier: Apache-2.0
// Programs of user mode, one label each; user.cpp copies them all to a page of user memory. They end
// by the fault or the system call that they are for.
    .section .rodata.user_code, "a"
    .balign 4096
    .globl user_code
user_code:

    .macro program name
    .balign 16
    .globl \name
\name:
    .endm

// --- 64-bit
program user_syscall
    syscall
    ud2
program user_syscall_twice           // the second with what the kernel gave back
    syscall
    syscall
    ud2
program user_divide
    xor %edx, %edx
    xor %ecx, %ecx
    div %ecx
program user_int3
    int3
    ud2
program user_int4
    int $4
    ud2
program user_int80
    int $0x80
    ud2
program user_int14                   // a vector whose exceptions have an error code
    int $14
    ud2
program user_int20                   // a gate that is for the kernel alone
    int $0x20
    ud2
program user_int_event               // the hypervisor's own
    int $31
    ud2
program user_ud2
    ud2
program user_vmmcall                 // rax: a hypercall's number
    vmmcall
    ud2
program user_sysenter
    sysenter
    ud2
program user_cpuid                   // forced emulation; eax: the leaf
    .byte 0x0f, 0x0b, 0x78, 0x65, 0x6e
    cpuid
    syscall
program user_not_canonical
    movabs $0x8000000000000000, %rax
    mov (%rax), %rbx
program user_stack_not_canonical
    movabs $0x8000000000000000, %rbp
    mov (%rbp), %rbx
program user_load                    // of rdi
    mov (%rdi), %rax
    syscall
program user_store                   // rsi to rdi
    mov %rsi, (%rdi)
    syscall
program user_jump                    // to rdi
    jmp *%rdi
program user_load_ds                 // edi
    mov %edi, %ds
    syscall
program user_get_bases               // rax: of fs, rbx: of gs, each word 0 of the segment
    mov %fs:0, %rax
    mov %gs:0, %rbx
    syscall
program user_cli
    cli
    syscall
program user_hlt
    hlt
program user_in
    in $0x60, %al
    syscall
program user_out
    out %al, $0x80
    syscall
program user_read_cr0
    mov %cr0, %rax
    syscall
program user_rdmsr
    mov $0xc0000080, %ecx
    rdmsr
    syscall
program user_lgdt
    lgdt (%rsp)
    syscall
program user_clts
    clts
    syscall
program user_wbinvd
    wbinvd
    syscall
program user_swapgs
    swapgs
    syscall
program user_fpu
    fninit
    fld1
    fstpl (%rdi)
    syscall
program user_step                    // TF is set on entry
    nop
    .globl user_stepped
user_stepped:
    nop
    ud2
program user_spin                    // until (rdi) is not 0
    cmpl $0, (%rdi)
    pause
    je user_spin
    syscall
program user_far_call                // through rdi, a 16:32 pointer
    lcall *(%rdi)
    syscall
program user_selectors               // rax: cs, rbx: ss
    mov %cs, %eax
    mov %ss, %ebx
    syscall

// --- 32-bit, entered with cs 0xe023
    .code32
program user32_int80
    mov $0x11223344, %ebx
    int $0x80
    ud2
program user32_syscall
    mov $0x55667788, %ebx
    syscall
    ud2
program user32_sysenter
    sysenter
    ud2
program user32_store                 // needs a data segment
    mov $0xe02b, %eax
    mov %eax, %ds
    movl $0x1234, (%edi)
    int $0x80
program user32_into
    mov $0x7fffffff, %eax
    add $1, %eax
    into
    ud2
    .code64

    .globl user_code_end
user_code_end:
    .section .note.GNU-stack, "", @progbits
