// SPDX-License-Identifier: Apache-2.0
// Arguments of xen_version, and the features it reports. [xen-pub] version.h, features.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hv::abi {

enum class XenVersionOp : uint32_t {
    XENVER_version = 0,
    XENVER_extraversion = 1,
    XENVER_compile_info = 2,
    XENVER_capabilities = 3,
    XENVER_changeset = 4,
    XENVER_platform_parameters = 5,
    XENVER_get_features = 6,
    XENVER_pagesize = 7,
    XENVER_guest_handle = 8,
    XENVER_commandline = 9,
    XENVER_build_id = 10,
};

struct XenExtraversion {
    char text[16];
};
struct XenCompileInfo {
    char compiler[64];
    char compile_by[16];
    char compile_domain[32];
    char compile_date[32];
};
struct XenCapabilitiesInfo {
    char text[1024];
};
struct XenChangesetInfo {
    char text[64];
};
struct XenCommandline {
    char text[1024];
};
struct XenPlatformParameters {
    uint64_t virt_start;
};

struct XenFeatureInfo {
    uint32_t submap_idx;  // in
    uint32_t submap;      // out
};

// Bit numbers in submap 0.
inline constexpr uint32_t XENFEAT_writable_page_tables = 0;
inline constexpr uint32_t XENFEAT_writable_descriptor_tables = 1;
inline constexpr uint32_t XENFEAT_auto_translated_physmap = 2;
inline constexpr uint32_t XENFEAT_supervisor_mode_kernel = 3;
inline constexpr uint32_t XENFEAT_pae_pgdir_above_4gb = 4;
inline constexpr uint32_t XENFEAT_mmu_pt_update_preserve_ad = 5;
inline constexpr uint32_t XENFEAT_highmem_assist = 6;
inline constexpr uint32_t XENFEAT_gnttab_map_avail_bits = 7;
inline constexpr uint32_t XENFEAT_hvm_callback_vector = 8;
inline constexpr uint32_t XENFEAT_hvm_safe_pvclock = 9;
inline constexpr uint32_t XENFEAT_hvm_pirqs = 10;
inline constexpr uint32_t XENFEAT_dom0 = 11;
inline constexpr uint32_t XENFEAT_memory_op_vnode_supported = 13;
inline constexpr uint32_t XENFEAT_linux_rsdp_unrestricted = 15;
inline constexpr uint32_t XENFEAT_not_direct_mapped = 16;
inline constexpr uint32_t XENFEAT_NR_SUBMAPS = 1;

}  // namespace hv::abi
