// SPDX-License-Identifier: Apache-2.0
// Grant table version 1 and the arguments of grant_table_op. [xen-pub] grant_table.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hv::abi {

// One grant, in a page shared with the domain. The guest writes frame and domid before flags; hv
// changes flags by compare-and-exchange only.
struct GrantEntryV1 {
    uint16_t flags;  // 0  GTF_*
    uint16_t domid;  // 2
    uint32_t frame;  // 4  gfn of the granting domain
};
static_assert(sizeof(GrantEntryV1) == 8);

inline constexpr uint32_t GNTTAB_NR_RESERVED_ENTRIES = 8;
inline constexpr uint32_t GNTTAB_RESERVED_CONSOLE = 0;
inline constexpr uint32_t GNTTAB_RESERVED_XENSTORE = 1;

inline constexpr uint16_t GTF_invalid = 0;
inline constexpr uint16_t GTF_permit_access = 1;
inline constexpr uint16_t GTF_accept_transfer = 2;
inline constexpr uint16_t GTF_transitive = 3;
inline constexpr uint16_t GTF_type_mask = 3;
inline constexpr uint16_t GTF_readonly = 1 << 2;
inline constexpr uint16_t GTF_reading = 1 << 3;
inline constexpr uint16_t GTF_writing = 1 << 4;
inline constexpr uint16_t GTF_PWT = 1 << 5;
inline constexpr uint16_t GTF_PCD = 1 << 6;
inline constexpr uint16_t GTF_PAT = 1 << 7;
inline constexpr uint16_t GTF_sub_page = 1 << 8;

enum class GrantTableOp : uint32_t {
    GNTTABOP_map_grant_ref = 0,
    GNTTABOP_unmap_grant_ref = 1,
    GNTTABOP_setup_table = 2,
    GNTTABOP_dump_table = 3,
    GNTTABOP_transfer = 4,
    GNTTABOP_copy = 5,
    GNTTABOP_query_size = 6,
    GNTTABOP_unmap_and_replace = 7,
    GNTTABOP_set_version = 8,
    GNTTABOP_get_status_frames = 9,
    GNTTABOP_get_version = 10,
    GNTTABOP_swap_grant_ref = 11,
    GNTTABOP_cache_flush = 12,
};

// What one element of a batch answers in its status field.
enum class GrantStatus : int16_t {
    GNTST_okay = 0,
    GNTST_general_error = -1,
    GNTST_bad_domain = -2,
    GNTST_bad_gntref = -3,
    GNTST_bad_handle = -4,
    GNTST_bad_virt_addr = -5,
    GNTST_bad_dev_addr = -6,
    GNTST_no_device_space = -7,
    GNTST_permission_denied = -8,
    GNTST_bad_page = -9,
    GNTST_bad_copy_arg = -10,
    GNTST_address_too_big = -11,
    GNTST_eagain = -12,
    GNTST_no_space = -13,
};

inline constexpr uint32_t GNTMAP_device_map = 1 << 0;
inline constexpr uint32_t GNTMAP_host_map = 1 << 1;
inline constexpr uint32_t GNTMAP_readonly = 1 << 2;
inline constexpr uint32_t GNTMAP_application_map = 1 << 3;
inline constexpr uint32_t GNTMAP_contains_pte = 1 << 4;
inline constexpr uint32_t GNTMAP_guest_avail_mask = ~0U << 16;

struct GnttabMapGrantRef {
    uint64_t host_addr;  // 00  guest physical address for a translated guest
    uint32_t flags;      // 08  GNTMAP_*
    uint32_t ref;        // 0c
    uint16_t dom;        // 10
    int16_t status;      // 12  out, as the rest
    uint32_t handle;     // 14
    uint64_t dev_bus_addr;
};
static_assert(sizeof(GnttabMapGrantRef) == 32);

struct GnttabUnmapGrantRef {
    uint64_t host_addr;
    uint64_t dev_bus_addr;
    uint32_t handle;
    int16_t status;  // 14  out
    uint16_t rsvd_016;
};
static_assert(sizeof(GnttabUnmapGrantRef) == 24);

struct GnttabUnmapAndReplace {  // PV only
    uint64_t host_addr;
    uint64_t new_addr;
    uint32_t handle;
    int16_t status;  // 14  out
    uint16_t rsvd_016;
};
static_assert(sizeof(GnttabUnmapAndReplace) == 24);

struct GnttabSetupTable {
    uint16_t dom;
    uint16_t rsvd_002;
    uint32_t nr_frames;
    int16_t status;  // 08  out
    uint16_t rsvd_00a[3];
    uint64_t frame_list;  // 10
};
static_assert(sizeof(GnttabSetupTable) == 24);

inline constexpr uint16_t GNTCOPY_source_gref = 1 << 0;
inline constexpr uint16_t GNTCOPY_dest_gref = 1 << 1;

struct GnttabCopyPtr {
    union {
        uint32_t ref;
        uint64_t gmfn;
    } u;              // 00
    uint16_t domid;   // 08
    uint16_t offset;  // 0a
    uint32_t rsvd_00c;
};
static_assert(sizeof(GnttabCopyPtr) == 16);

struct GnttabCopy {
    GnttabCopyPtr source;  // 00
    GnttabCopyPtr dest;    // 10
    uint16_t len;          // 20
    uint16_t flags;        // 22  GNTCOPY_*
    int16_t status;        // 24  out
    uint16_t rsvd_026;
};
static_assert(sizeof(GnttabCopy) == 40);

struct GnttabQuerySize {
    uint16_t dom;
    uint16_t rsvd_002;
    uint32_t nr_frames;  // 04  out, as the rest
    uint32_t max_nr_frames;
    int16_t status;  // 0c
    uint16_t rsvd_00e;
};
static_assert(sizeof(GnttabQuerySize) == 16);

struct GnttabSetVersion {
    uint32_t version;  // in, and out
};

struct GnttabGetVersion {
    uint16_t dom;
    uint16_t pad;
    uint32_t version;  // out
};

}  // namespace hv::abi
