// SPDX-License-Identifier: Apache-2.0
// What the kernel file says to its builder: [xen-pub] elfnote.h. With PV_INIT_P2M the p2m list comes
// at an address of its own, and the initrd need not be mapped; without, both are in the boot area.
#include "tests/guest/pv/rt/layout.hpp"

    .macro note_text type, text
    .balign 4
    .long 4, 9f - 8f, \type
    .asciz "Xen"
8:  .asciz "\text"
9:
    .endm
    .macro note_number type, value:vararg
    .balign 4
    .long 4, 8, \type
    .asciz "Xen"
    .quad \value
    .endm

    .section .note.Xen, "a", @note
    note_text 6, "gantry-test"
    note_text 5, "xen-3.0"
    note_text 8, "generic"
    note_text 10, "!pae_pgdir_above_4gb|writable_page_tables"
    note_number 3, PV_VIRT_BASE
    note_number 4, 0
    note_number 1, pv_entry
    note_number 2, pv_hypercall_page
#ifdef PV_INIT_P2M
    note_number 15, PV_INIT_P2M_VIRT
    note_number 16, 1
#endif
    .section .note.GNU-stack, "", @progbits
