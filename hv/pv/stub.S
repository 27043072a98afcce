// SPDX-License-Identifier: Apache-2.0
// The stub: what a PV kernel has of Xen inside its own container. hv copies it into guest memory,
// mapped once for each vCPU, and finds everything relative to itself. It runs at CPL 0 with
// interrupts off, so an event waits until it has left. Nothing here protects another domain.
//
// Frames on the kernel's stack are Xen's ([xen-pub] arch-x86/xen-x86_64.h):
//   rcx, r11, [error code,] rip, cs with the saved upcall mask in its upper half, rflags, rsp, ss
#include "hv/pv/stub_layout.hpp"

#define RFLAGS_IF 0x200
#define RFLAGS_FIXED 0x2
#define RFLAGS_FORBIDDEN 0x27000  // VM, NT, IOPL
#define FLAT_USER_CS32 0xe023
#define FLAT_USER_CS64 0xe033
#define FLAT_KERNEL_CS 0xe030     // as a kernel sees its own: RPL 0
#define FLAT_SS 0xe02b
#define HYPERCALL_MMU_UPDATE 1
#define HYPERCALL_STACK_SWITCH 3
#define HYPERCALL_IRET 23
#define HYPERCALL_VCPU_OP 24
#define HYPERCALL_SET_SEGMENT_BASE 25
#define HYPERCALL_MMUEXT_OP 26
#define VECTOR_NM 7
#define VECTOR_DF 8
#define VECTOR_GP 13
#define VECTOR_PF 14

// vcpu_info
#define UPCALL_PENDING 0
#define UPCALL_MASK 1
#define ARCH_CR2 0x10

#define LOCAL(x) (stub_text + (x))(%rip)

    .section .rodata.pv_stub, "a"
    .balign 4096
    .global stub_text
stub_text:

// The frame of `words` words is complete, on the entry stack if user space has tables of its own:
// then changes to the kernel's tables and stack.
    .macro MOVE_TO_KERNEL words
    cmpb $0, LOCAL(STUB_SEPARATE)
    je 9f
    push %rax
    push %rsi
    push %rdi
    push %rcx
    mov LOCAL(STUB_KERNEL_ROOT), %rax
    mov %rax, %cr3
    mov LOCAL(STUB_KERNEL_RSP), %rdi
    and $-16, %rdi
    sub $(8 * \words), %rdi
    lea 32(%rsp), %rsi
    mov $\words, %ecx
8:  mov -8(%rsi, %rcx, 8), %rax
    mov %rax, -8(%rdi, %rcx, 8)
    dec %ecx
    jnz 8b
    mov %rdi, LOCAL(STUB_USER_RSP)
    pop %rcx
    pop %rdi
    pop %rsi
    pop %rax
    mov LOCAL(STUB_USER_RSP), %rsp
9:
    .endm

// A system call of user space: its frame, then to the kernel's handler. SYSCALL has left the return
// address in RCX and RFLAGS in R11.
    .macro SYSTEM_CALL user_cs, masks, handler
    mov %rsp, LOCAL(STUB_USER_RSP)
    mov LOCAL(STUB_RSP0), %rsp
    push $FLAT_SS
    push LOCAL(STUB_USER_RSP)
    push %r11
    push $\user_cs
    push %rcx
    push %r11
    push %rcx
    swapgs
    movb $1, LOCAL(STUB_IN_KERNEL)
    MOVE_TO_KERNEL 7
    mov LOCAL(STUB_VCPU_INFO), %rcx
    cmpb $0, UPCALL_MASK(%rcx)
    jne 2f
1:  testb $\masks, LOCAL(STUB_MASKS_EVENTS)
    jz 3f
    movb $1, UPCALL_MASK(%rcx)
3:  mov LOCAL(\handler), %rcx
    jmp enter_kernel
2:  movb $1, 0x1c(%rsp)
    andl $~RFLAGS_IF, 0x20(%rsp)
    jmp 1b
    .endm

// --- SYSCALL. From user space it is a system call, from the kernel a hypercall.
    .global stub_syscall
stub_syscall:
    cmpb $0, LOCAL(STUB_IN_KERNEL)
    jne hypercall
    SYSTEM_CALL FLAT_USER_CS64, STUB_MASKS_SYSCALL, STUB_SYSCALL

    .global stub_syscall32
stub_syscall32:
    SYSTEM_CALL FLAT_USER_CS32, STUB_MASKS_SYSCALL32, STUB_SYSCALL32

// To the kernel's handler in RCX.
enter_kernel:
    test %rcx, %rcx
    jz no_handler
    sti
    jmp *%rcx

no_handler:
    mov $STUB_OP_NO_HANDLER, %eax
    vmmcall
    jmp no_handler

// --- Hypercalls: RCX is where to return to.
hypercall:
    cmp $HYPERCALL_IRET, %eax
    je do_iret
    cmp $HYPERCALL_MMU_UPDATE, %eax
    je mmu_update
    cmp $HYPERCALL_MMUEXT_OP, %eax
    je mmuext_op
    cmp $HYPERCALL_STACK_SWITCH, %eax
    je stack_switch
    cmp $HYPERCALL_SET_SEGMENT_BASE, %eax
    je set_segment_base
    cmp $HYPERCALL_VCPU_OP, %eax
    je vcpu_op
call_hv:
    vmmcall
    sti
    jmp *%rcx

#include "hv/pv/stub_calls.inc"

// The stack holds iret_context: rax, r11, rcx, flags, rip, cs, rflags, rsp, ss.
do_iret:
    mov LOCAL(STUB_VCPU_INFO), %rcx
    mov 0x30(%rsp), %r11
    test $RFLAGS_IF, %r11d
    setz UPCALL_MASK(%rcx)
    and $~RFLAGS_FORBIDDEN, %r11
    or $(RFLAGS_IF | RFLAGS_FIXED), %r11
    mov %r11, 0x30(%rsp)
    movzwl UPCALL_PENDING(%rcx), %eax
    dec %eax                        // pending and not masked is 0x0001
    jz look
1:  testb $3, 0x28(%rsp)
    jz to_kernel
    orb $3, 0x28(%rsp)
    orb $3, 0x40(%rsp)
    movb $0, LOCAL(STUB_IN_KERNEL)
    swapgs
    cmpb $0, LOCAL(STUB_SEPARATE)
    jne to_user_tables
    pop %rax
    pop %r11
    pop %rcx
    lea 8(%rsp), %rsp
stub_iret_to_user:
    iretq
// The same from the entry stack: the kernel's is not mapped where the processor goes.
to_user_tables:
    lea LOCAL(STUB_ENTRY_STACK_TOP - 40), %r11
    .irp word, 0, 8, 16, 24, 32
    mov (0x20 + \word)(%rsp), %rcx
    mov %rcx, \word(%r11)
    .endr
    .irp word, 0, 8, 16             // rax, r11, rcx
    mov \word(%rsp), %rcx
    mov %rcx, (-24 + \word)(%r11)
    .endr
    mov LOCAL(STUB_USER_ROOT), %rax
    test %rax, %rax
    jz no_handler                   // nothing was ever set
    lea -24(%r11), %rsp
    mov %rax, %cr3
    pop %rax
    pop %r11
    pop %rcx
stub_iret_to_user_tables:
    iretq
look:
    mov $STUB_OP_LOOK, %eax
    vmmcall
    jmp 1b
to_kernel:
    movq $STUB_KERNEL_CS, 0x28(%rsp)
    movq $STUB_KERNEL_SS, 0x40(%rsp)
    pop %rax
    pop %r11
    pop %rcx
    lea 8(%rsp), %rsp
    iretq

// --- Exceptions and INT n. `frame` is the offset of rip from rsp once rcx and r11 are pushed;
// ecx is the vector.
    .macro BOUNCE frame
    shl $4, %ecx                    // sizeof(trap_info)
    lea LOCAL(STUB_TRAPS), %r11
    add %rcx, %r11
    mov LOCAL(STUB_VCPU_INFO), %rcx
    testb $3, (\frame + 0x08)(%rsp)
    jz 1f
    swapgs
    movb $1, LOCAL(STUB_IN_KERNEL)
    MOVE_TO_KERNEL ((\frame + 0x28) / 8)
    jmp 2f
1:  movl $FLAT_KERNEL_CS, (\frame + 0x08)(%rsp)
    movl $FLAT_SS, (\frame + 0x20)(%rsp)
2:  cmpb $0, UPCALL_MASK(%rcx)
    je 3f
    movb $1, (\frame + 0x0c)(%rsp)
    andl $~RFLAGS_IF, (\frame + 0x10)(%rsp)
    jmp 4f
3:  testb $4, 1(%r11)               // TI_GET_IF
    jz 4f
    movb $1, UPCALL_MASK(%rcx)
4:  mov 8(%r11), %rcx
    jmp enter_kernel
    .endm

bounce:
    BOUNCE 0x10
bounce_with_error:
    BOUNCE 0x18

// Kernels rely on it that Xen has cleared CR0.TS.
no_device:
    clts
    jmp bounce

// The processor's frame, still whole above the two registers, says where the fault was. User space
// can jump to any address: what it faults at is not the stub's doing.
fault_with_error:
    testb $3, 0x20(%rsp)
    jnz bounce_with_error
    lea stub_iret_to_user(%rip), %r11
    cmp %r11, 0x18(%rsp)
    je 1f
    lea stub_iret_to_user_tables(%rip), %r11
    cmp %r11, 0x18(%rsp)
    je 1f
    lea stub_list_start(%rip), %r11
    neg %r11
    add 0x18(%rsp), %r11
    cmp $(stub_list_end - stub_list_start), %r11
    jae bounce_with_error
    lea list_to_hv(%rip), %r11
    mov %r11, 0x18(%rsp)
    pop %rcx
    pop %r11
    lea 8(%rsp), %rsp
    iretq
1:
// The return to user space failed: its frame is where RSP was. The failsafe callback gets it, with
// the data segments below.
    mov 0x00(%rsp), %rcx
    mov 0x08(%rsp), %r11
    mov 0x30(%rsp), %rsp
    swapgs
    movb $1, LOCAL(STUB_IN_KERNEL)
    sub $0x30, %rsp                 // rcx, r11, ds, es, fs, gs
    mov %rcx, 0x00(%rsp)
    mov %r11, 0x08(%rsp)
    mov %ds, %ecx
    mov %rcx, 0x10(%rsp)
    mov %es, %ecx
    mov %rcx, 0x18(%rsp)
    mov %fs, %ecx
    mov %rcx, 0x20(%rsp)
    mov %gs, %ecx
    mov %rcx, 0x28(%rsp)
    MOVE_TO_KERNEL 11
    testb $STUB_MASKS_FAILSAFE, LOCAL(STUB_MASKS_EVENTS)
    jz 1f
    mov LOCAL(STUB_VCPU_INFO), %rcx
    movb $1, UPCALL_MASK(%rcx)
1:  mov LOCAL(STUB_FAILSAFE), %rcx
    jmp enter_kernel

page_fault:
    mov 0x10(%rsp), %ecx
    and $7, %ecx
    cmp $3, %ecx                    // present, write, from the kernel
    je write_fault
1:  mov LOCAL(STUB_VCPU_INFO), %rcx
    mov %cr2, %r11
    mov %r11, ARCH_CR2(%rcx)
    mov $VECTOR_PF, %ecx
    jmp fault_with_error
write_fault:
    push %rax
    mov $STUB_OP_WRITE_FAULT, %eax
    vmmcall
    test %eax, %eax
    pop %rax
    jz 1b
    pop %rcx
    pop %r11
    lea 8(%rsp), %rsp
    iretq

event:
    mov LOCAL(STUB_VCPU_INFO), %rcx
    cmpb $0, UPCALL_MASK(%rcx)
    jne 2f                          // masked meanwhile; it stays pending
    movb $1, UPCALL_MASK(%rcx)
    testb $3, 0x18(%rsp)
    jz 1f
    swapgs
    movb $1, LOCAL(STUB_IN_KERNEL)
    MOVE_TO_KERNEL 7
    mov LOCAL(STUB_EVENT), %rcx
    jmp enter_kernel
1:  movl $FLAT_KERNEL_CS, 0x18(%rsp)
    movl $FLAT_SS, 0x30(%rsp)
    mov LOCAL(STUB_EVENT), %rcx
    jmp enter_kernel
2:  pop %rcx
    pop %r11
    iretq

double_fault:
    mov $STUB_OP_DOUBLE_FAULT, %eax
    vmmcall
    jmp double_fault

// --- Where the gates of the IDT lead: 16 bytes for each vector.
    .balign 4096
    .global stub_entries
stub_entries:
    .set vector, 0
    .rept 256
    .balign 16
    push %r11
    push %rcx
    mov $vector, %ecx
    .if vector == VECTOR_DF
    jmp double_fault
    .elseif vector == VECTOR_NM
    jmp no_device
    .elseif vector == VECTOR_PF
    jmp page_fault
    .elseif vector == 10 || vector == 11 || vector == 12 || vector == VECTOR_GP || vector == 17 || vector == 21 || vector == 29 || vector == 30
    jmp fault_with_error
    .elseif vector == STUB_EVENT_VECTOR
    jmp event
    .else
    jmp bounce
    .endif
    .set vector, vector + 1
    .endr
    .balign 4096
    .global stub_text_end
stub_text_end:
    .section .note.GNU-stack, "", @progbits
