// SPDX-License-Identifier: Apache-2.0
// The tables that iasl compiled at build time, as bytes.
    .section .rodata
    .globl builder_dsdt_start, builder_dsdt_end, builder_tpm_start, builder_tpm_end
builder_dsdt_start:
    .incbin "dsdt.aml"
builder_dsdt_end:
builder_tpm_start:
    .incbin "tpm.aml"
builder_tpm_end:

    .section .note.GNU-stack, "", @progbits
