// SPDX-License-Identifier: Apache-2.0
// Selectors of the hypervisor's GDT; plain numbers because assembly includes this file.
#define SELECTOR_CODE64 0x08
#define SELECTOR_DATA 0x10
#define SELECTOR_CODE32 0x18
#define SELECTOR_TSS 0x20
