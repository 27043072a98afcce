// SPDX-License-Identifier: Apache-2.0
// What a kernel can find out about where it runs: one instruction or two each, ending with what was
// seen in RDI. A fault ends a probe as well. The table at the end is spike_probes in probes.cpp.
#include "tests/guest/pv_spike/frame.inc"

    .section .text.spike_probes, "ax"
    .balign 4096

    .macro probe name, text, cr4=0
    .pushsection .rodata.spike_probe_names, "a"
name_\name:
    .asciz "\text"
    .popsection
    .pushsection .rodata.spike_probe_table, "a"
    .quad name_\name, probe_\name, \cr4
    .popsection
probe_\name:
    .endm
    .macro done
    mov $CALL_END, %eax
    syscall
    .endm
    .macro flags
    pushfq
    pop %rdi
    and $0x3200, %rdi                // IOPL and IF
    done
    .endm

    .pushsection .rodata.spike_probe_table, "a"
    .balign 8
    .globl spike_probe_table
spike_probe_table:
    .popsection

    probe cs, "mov cs"
    mov %cs, %edi
    done
    probe ss, "mov ss"
    mov %ss, %edi
    done
    probe pushf, "pushf: IOPL, IF"
    flags
    probe cli, "cli; pushf"
    cli
    flags
    probe sti, "sti; pushf"
    sti
    flags
    probe popf_if, "popf without IF; pushf"
    pushq $2
    popfq
    flags
    probe popf_iopl, "popf with IOPL 3; pushf"
    pushq $0x3202
    popfq
    flags
    probe read_cr0, "mov from cr0"
    mov %cr0, %rdi
    done
    probe smsw, "smsw"
    smsw %edi
    done
    probe read_cr4, "mov from cr4"
    mov %cr4, %rdi
    done
    probe write_cr3, "mov cr3 to cr3"
    mov %cr3, %rdi
    mov %rdi, %cr3
    xor %edi, %edi
    done
    probe clts, "clts"
    clts
    xor %edi, %edi
    done
    probe sgdt, "sgdt: limit"
    sub $16, %rsp
    sgdt (%rsp)
    movzwl (%rsp), %edi
    done
    probe sidt, "sidt: limit"
    sub $16, %rsp
    sidt (%rsp)
    movzwl (%rsp), %edi
    done
    probe lgdt, "lgdt of sgdt"
    sub $16, %rsp
    sgdt (%rsp)
    lgdt (%rsp)
    xor %edi, %edi
    done
    probe lidt, "lidt of sidt"
    sub $16, %rsp
    sidt (%rsp)
    lidt (%rsp)
    xor %edi, %edi
    done
    probe str, "str"
    str %edi
    done
    probe lldt, "lldt 0"
    xor %edi, %edi
    lldt %di
    done
    probe in, "in from port 80"
    xor %eax, %eax
    in $0x80, %al
    mov %eax, %edi
    done
    probe rdmsr, "rdmsr STAR"
    mov $0xc0000081, %ecx
    rdmsr
    mov %edx, %edi
    done
    probe wrmsr, "wrmsr STAR as it is"
    mov $0xc0000081, %ecx
    rdmsr
    wrmsr
    xor %edi, %edi
    done
    probe invlpg, "invlpg"
    invlpg (%rsp)
    xor %edi, %edi
    done
    probe swapgs, "swapgs, twice"
    swapgs
    swapgs
    xor %edi, %edi
    done
    probe read_dr7, "mov from dr7"
    mov %dr7, %rdi
    done
    probe int_n, "int 6 of a gate with DPL 0"
    int $6
    probe iretq_user, "iretq to e033, e02b"
    mov %rsp, %rax
    pushq $FLAT_DS
    push %rax
    pushq $KERNEL_RFLAGS
    pushq $FLAT_CS64
    pushq $here
    iretq
    probe lretq_user, "lretq to e033, ss e02b"
    mov %rsp, %rax
    pushq $FLAT_DS
    push %rax
    pushq $FLAT_CS64
    pushq $here
    lretq
    probe iretq_kernel, "iretq to e030, ss e028"
    mov %rsp, %rax
    pushq $FLAT_DS & ~3
    push %rax
    pushq $KERNEL_RFLAGS
    pushq $FLAT_CS64 & ~3
    pushq $here
    iretq
    probe iretq_conforming, "iretq to a conforming e050, ss 0"
    mov %rsp, %rax
    pushq $0
    push %rax
    pushq $KERNEL_RFLAGS
    pushq $0xe050
    pushq $here
    iretq
here:
    mov %cs, %edi
    done
    probe iretq_conforming_user, "iretq to the same as e053, ss e02b"
    mov %rsp, %rax
    pushq $FLAT_DS
    push %rax
    pushq $KERNEL_RFLAGS
    pushq $0xe053
    pushq $here
    iretq
    probe iretq_smap, "iretq to e033, e02b, with SMAP", 1 << 21
    mov %rsp, %rax
    pushq $FLAT_DS
    push %rax
    pushq $KERNEL_RFLAGS
    pushq $FLAT_CS64
    pushq $here
    iretq
    probe load_ss, "mov e02b to ss"
    mov $FLAT_DS, %eax
    mov %eax, %ss
    xor %edi, %edi
    done
    probe null_ss, "mov 0 to ss"
    xor %edi, %edi
    mov %edi, %ss
    done
    probe load_ds, "mov e02b to ds"
    mov $FLAT_DS, %eax
    mov %eax, %ds
    xor %edi, %edi
    done
    probe read_only, "store to a read-only page of its own"
    movb %al, here
    done
    probe stub_read, "load from the hypervisor's area"
    mov $0xffff820000000000, %rax
    movzbl (%rax), %edi
    xor %edi, %edi
    done
    probe stub_write, "store to the hypervisor's area"
    movq $0, (%rsi)
    xor %edi, %edi
    done
    probe user_data, "load from a page of the user"
    movzbl spike_user_stack, %edi
    xor %edi, %edi
    done
    probe user_data_smap, "the same with SMAP", 1 << 21
    movzbl spike_user_stack, %edi
    xor %edi, %edi
    done
    probe user_code, "jump to a page of the user"
    mov $spike_user_end, %rax
    jmp *%rax
    probe user_code_smep, "the same with SMEP", 1 << 20
    mov $spike_user_end, %rax
    jmp *%rax
    probe vmmcall, "vmmcall"
    mov $17, %eax
    xor %edi, %edi
    vmmcall
    xor %edi, %edi
    done
    probe sgdt_umip, "sgdt with UMIP", 1 << 11
    sub $16, %rsp
    sgdt (%rsp)
    movzwl (%rsp), %edi
    done
    probe rdtsc, "rdtsc"
    rdtsc
    xor %edi, %edi
    done

    .pushsection .rodata.spike_probe_table, "a"
    .quad 0, 0, 0
    .popsection
    .balign 4096

// The user's: kernel and hypervisor addresses, the table of descriptors.
    .section .text.spike_user_probes, "ax"
    .balign 4096
    .globl spike_user_probes
spike_user_probes:
    .pushsection .rodata.spike_probe_user_table, "a"
    .balign 8
    .globl spike_user_probe_table
spike_user_probe_table:
    .popsection
    .macro user_probe name, text
    .pushsection .rodata.spike_probe_names, "a"
name_\name:
    .asciz "\text"
    .popsection
    .pushsection .rodata.spike_probe_user_table, "a"
    .quad name_\name, probe_\name, 0
    .popsection
probe_\name:
    .endm
    user_probe user_kernel, "user: load from the kernel"
    movzbl spike_kernel_data, %edi
    user_probe user_stub, "user: load from the hypervisor's area"
    mov $0xffff820000000000, %rax
    movzbl (%rax), %edi
    user_probe user_nothing, "user: load from where nothing is"
    movzbl spike_missing, %edi
    user_probe user_vmmcall, "user: vmmcall"
    mov $17, %eax
    vmmcall
    user_probe user_gate, "user: lcall to a call gate of its GDT"
    mov $0xe06300000000, %rax
    push %rax
    lcall *(%rsp)
    user_probe user_fetch, "user: jump into the kernel"
    mov $here, %rax
    jmp *%rax
    .balign 4096
    .globl spike_user_probes_end
spike_user_probes_end:
    .pushsection .rodata.spike_probe_user_table, "a"
    .quad 0, 0, 0
    .popsection

    .section .note.GNU-stack, "", @progbits
