// SPDX-License-Identifier: Apache-2.0
// The instructions that are stepped over, and the handlers. A handler of an interrupt leaves every
// register as it was.
#define VECTOR_DB 1
#define APIC_ID 0xfee00020
#define APIC_EOI 0xfee000b0
#define APIC_ICR 0xfee00300
#define NMI_TO_FIRST 0x4400  // physical destination: the boot CPU's id is 0
#define TRAP_FLAG 0x100
#define HYPERCALL_XEN_VERSION 17

    .text
// void events_step(const void* code): runs it, RFLAGS.TF set before its first instruction; it ends
// with RET.
    .globl events_step
events_step:
    push %rbx
    mov %rdi, %r8
    mov $HYPERCALL_XEN_VERSION, %eax
    xor %edi, %edi
    mov $APIC_ID, %esi
    xor %ecx, %ecx
    xor %edx, %edx
    pushfq
    orl $TRAP_FLAG, (%rsp)
    popfq
    jmp *%r8
events_stepped:
    pop %rbx
    ret

// step INSTRUCTION: an entry of events_steps (main.cpp has the layout). The jump is stepped, too.
.macro step instruction:vararg
    .text
1:  \instruction
2:  jmp events_stepped
    .section .rodata.steps, "a", @progbits
    .quad 1b, 2b, 3f
    .section .rodata.step_names, "a", @progbits
3:  .asciz "\instruction"
.endm

    .section .rodata.steps, "a", @progbits
    .balign 8
    .globl events_steps
events_steps:
    step nop
    step cpuid
    step in $0x80, %al
    step out %al, $0x80
    step wbinvd
    step mov (%rsi), %eax
    step vmmcall
    .section .rodata.steps, "a", @progbits
    .globl events_steps_end
events_steps_end:

    .text
// #DB: notes where, but for the steps before the code that is tested, and stops behind it.
    .globl events_on_debug
events_on_debug:
    push %rax
    mov 8(%rsp), %rax
    cmp %rax, events_step_from(%rip)
    je 1f
    mov %rax, events_db_rip(%rip)
    mov %dr6, %rax
    mov %rax, events_db_status(%rip)
    andl $~TRAP_FLAG, 24(%rsp)
1:  pop %rax
    iretq

    .globl events_on_interrupt
events_on_interrupt:
    push %rax
    incl events_interrupts(%rip)
    mov $APIC_EOI, %eax
    movl $0, (%rax)
    pop %rax
    iretq

// void events_blink(): turns interrupts on for one instruction again and again, until an upcall has
// come.
    .globl events_blink
events_blink:
    mov events_upcalls(%rip), %eax
1:  sti
events_shadow:
    nop
    cli
    cmp %eax, events_upcalls(%rip)
    je 1b
    ret

// An upcall: evtchn_upcall_pending is the first of vcpu_info, evtchn_pending_sel at 8.
    .globl events_on_upcall
events_on_upcall:
    push %rax
    incl events_upcalls(%rip)
    lea events_shadow(%rip), %rax
    cmp %rax, 8(%rsp)
    jne 1f
    incl events_in_shadow(%rip)
1:  mov events_upcall_info(%rip), %rax
    movb $0, (%rax)
    movq $0, 8(%rax)
    pop %rax
    iretq

// An NMI that sends the next one, as long as there are to be any, and stays for some exits.
    .globl events_on_nmi
events_on_nmi:
    push %rax
    push %rcx
    incl events_nmi_depth(%rip)
    mov events_nmi_depth(%rip), %eax
    cmp %eax, events_nmi_most(%rip)
    jae 1f
    mov %eax, events_nmi_most(%rip)
1:  incl events_nmis(%rip)
    decl events_nmis_left(%rip)
    js 2f
    mov $APIC_ICR, %eax
    movl $NMI_TO_FIRST, (%rax)
2:  mov $10, %ecx
3:  mov $APIC_ID, %eax
    mov (%rax), %eax
    loop 3b
    decl events_nmi_depth(%rip)
    pop %rcx
    pop %rax
    iretq

    .bss
    .balign 8
    .globl events_step_from, events_db_rip, events_db_status
events_step_from:
    .skip 8
events_db_rip:
    .skip 8
events_db_status:
    .skip 8
    .globl events_upcall_info, events_upcalls, events_in_shadow
events_upcall_info:
    .skip 8
events_upcalls:
    .skip 4
events_in_shadow:
    .skip 4
    .globl events_interrupts, events_nmis, events_nmis_left, events_nmi_depth, events_nmi_most
events_interrupts:
    .skip 4
events_nmis:
    .skip 4
events_nmis_left:
    .skip 4
events_nmi_depth:
    .skip 4
events_nmi_most:
    .skip 4
    .section .note.GNU-stack, "", @progbits
