// SPDX-License-Identifier: Apache-2.0
// What a PVH kernel finds at EBX. [xen-pub] arch-x86/hvm/start_info.h. Addresses are guest
// physical.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hv::abi {

inline constexpr uint32_t XEN_HVM_START_MAGIC_VALUE = 0x336ec578;

inline constexpr uint32_t SIF_PRIVILEGED = 1 << 0;
inline constexpr uint32_t SIF_INITDOMAIN = 1 << 1;

struct HvmStartInfo {
    uint32_t magic;           // 00
    uint32_t version;         // 04  1
    uint32_t flags;           // 08  SIF_*
    uint32_t nr_modules;      // 0c
    uint64_t modlist_paddr;   // 10  of HvmModlistEntry
    uint64_t cmdline_paddr;   // 18
    uint64_t rsdp_paddr;      // 20
    uint64_t memmap_paddr;    // 28  of HvmMemmapTableEntry
    uint32_t memmap_entries;  // 30
    uint32_t reserved;        // 34
};
static_assert(sizeof(HvmStartInfo) == 56);

struct HvmModlistEntry {
    uint64_t paddr;
    uint64_t size;
    uint64_t cmdline_paddr;
    uint64_t reserved;
};
static_assert(sizeof(HvmModlistEntry) == 32);

inline constexpr uint32_t XEN_HVM_MEMMAP_TYPE_RAM = 1;
inline constexpr uint32_t XEN_HVM_MEMMAP_TYPE_RESERVED = 2;
inline constexpr uint32_t XEN_HVM_MEMMAP_TYPE_ACPI = 3;
inline constexpr uint32_t XEN_HVM_MEMMAP_TYPE_NVS = 4;
inline constexpr uint32_t XEN_HVM_MEMMAP_TYPE_UNUSABLE = 5;

struct HvmMemmapTableEntry {
    uint64_t addr;
    uint64_t size;
    uint32_t type;
    uint32_t reserved;
};
static_assert(sizeof(HvmMemmapTableEntry) == 24);

}  // namespace hv::abi
