// SPDX-License-Identifier: Apache-2.0
// Arguments of memory_op. [xen-pub] memory.h. Handles are guest virtual addresses.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hv::abi {

enum class MemoryOp : uint32_t {
    XENMEM_increase_reservation = 0,
    XENMEM_decrease_reservation = 1,
    XENMEM_maximum_ram_page = 2,
    XENMEM_current_reservation = 3,
    XENMEM_maximum_reservation = 4,
    XENMEM_machphys_mfn_list = 5,
    XENMEM_populate_physmap = 6,
    XENMEM_add_to_physmap = 7,
    XENMEM_memory_map = 9,
    XENMEM_machine_memory_map = 10,
    XENMEM_exchange = 11,
    XENMEM_machphys_mapping = 12,
    XENMEM_set_memory_map = 13,
    XENMEM_maximum_gpfn = 14,
    XENMEM_remove_from_physmap = 15,
    XENMEM_add_to_physmap_batch = 23,
    XENMEM_claim_pages = 24,
    XENMEM_acquire_resource = 28,
};

// Bits of mem_flags: the width of addresses that an extent must fit into, or 0.
inline constexpr uint32_t XENMEMF_address_bits_mask = 0xff;

struct MemoryReservation {
    uint64_t extent_start;  // 00  handle of gfns
    uint64_t nr_extents;    // 08
    uint32_t extent_order;  // 10
    uint32_t mem_flags;     // 14
    uint16_t domid;         // 18
    uint16_t rsvd_01a[3];
};
static_assert(sizeof(MemoryReservation) == 32);

struct MemoryExchange {     // PV only
    MemoryReservation in;   // 00
    MemoryReservation out;  // 20  extent_start: gpfns in, mfns out
    uint64_t nr_exchanged;  // 40
};
static_assert(sizeof(MemoryExchange) == 72);

struct MachphysMapping {  // PV only, out
    uint64_t v_start;     // 00
    uint64_t v_end;       // 08
    uint64_t max_mfn;     // 10
};
static_assert(sizeof(MachphysMapping) == 24);

struct MachphysMfnList {
    uint32_t max_extents;  // 00
    uint32_t rsvd_004;
    uint64_t extent_start;  // 08  handle of mfns
    uint32_t nr_extents;    // 10
    uint32_t rsvd_014;
};
static_assert(sizeof(MachphysMfnList) == 24);

struct MemoryDomain {
    uint16_t domid;
};

enum class PhysMapSpace : uint32_t {
    XENMAPSPACE_shared_info = 0,
    XENMAPSPACE_grant_table = 1,
    XENMAPSPACE_gmfn = 2,
    XENMAPSPACE_gmfn_range = 3,
    XENMAPSPACE_gmfn_foreign = 4,
    XENMAPSPACE_dev_mmio = 5,
};
inline constexpr uint64_t XENMAPIDX_grant_table_status = 0x80000000;

struct AddToPhysmap {
    uint16_t domid;  // 00
    uint16_t size;   // 02  gmfn_range only
    uint32_t space;  // 04
    uint64_t idx;    // 08
    uint64_t gpfn;   // 10
};
static_assert(sizeof(AddToPhysmap) == 24);

struct AddToPhysmapBatch {
    uint16_t domid;  // 00
    uint16_t space;  // 02
    uint16_t size;   // 04
    union {
        uint16_t foreign_domid;  // gmfn_foreign
        uint16_t res0;           // all other spaces
    } u;                         // 06
    uint64_t idxs;               // 08  handle of uint64_t
    uint64_t gpfns;              // 10  handle of uint64_t
    uint64_t errs;               // 18  handle of int32_t, out
};
static_assert(sizeof(AddToPhysmapBatch) == 32);

struct RemoveFromPhysmap {
    uint16_t domid;
    uint16_t rsvd_002[3];
    uint64_t gpfn;  // 08
};
static_assert(sizeof(RemoveFromPhysmap) == 16);

enum class MemoryResource : uint16_t {
    XENMEM_resource_ioreq_server = 0,
    XENMEM_resource_grant_table = 1,
    XENMEM_resource_vmtrace_buf = 2,
};
inline constexpr uint32_t XENMEM_resource_grant_table_id_shared = 0;
inline constexpr uint32_t XENMEM_resource_grant_table_id_status = 1;

struct MemAcquireResource {
    uint16_t domid;       // 00
    uint16_t type;        // 02
    uint32_t id;          // 04
    uint32_t nr_frames;   // 08  in; out where frame_list is null and it is 0
    uint32_t pad;         // 0c
    uint64_t frame;       // 10
    uint64_t frame_list;  // 18  handle of uint64_t: gfns in, or mfns out for a PV domain
};
static_assert(sizeof(MemAcquireResource) == 32);

struct MemoryMap {
    uint32_t nr_entries;  // 00  in, and out
    uint32_t rsvd_004;
    uint64_t buffer;  // 08  handle of E820Entry
};
static_assert(sizeof(MemoryMap) == 16);

struct ForeignMemoryMap {
    uint16_t domid;
    uint16_t rsvd_002[3];
    MemoryMap map;  // 08
};
static_assert(sizeof(ForeignMemoryMap) == 24);

// As INT 15h, AX=E820h reports it; packed, so entries of an array are 20 bytes apart.
// [xen-pub] hvm/e820.h has the types, memory.h the format.
struct E820Entry {
    uint32_t addr_lo;
    uint32_t addr_hi;
    uint32_t size_lo;
    uint32_t size_hi;
    uint32_t type;

    [[nodiscard]] constexpr uint64_t addr() const { return uint64_t{addr_hi} << 32 | addr_lo; }
    [[nodiscard]] constexpr uint64_t size() const { return uint64_t{size_hi} << 32 | size_lo; }
};
static_assert(sizeof(E820Entry) == 20);

inline constexpr uint32_t E820_RAM = 1;
inline constexpr uint32_t E820_RESERVED = 2;
inline constexpr uint32_t E820_ACPI = 3;
inline constexpr uint32_t E820_NVS = 4;

}  // namespace hv::abi
