// SPDX-License-Identifier: Apache-2.0
// The page that a domain and the hypervisor share: event bits, and the time of each vCPU.
// 64-bit layout. [xen-pub] xen.h, arch-x86/xen.h.
// Both sides write here at any time: hv touches these fields by atomic operations or with the
// version protocol of vcpu_time_info, and believes nothing it reads.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hv::abi {

inline constexpr size_t XEN_LEGACY_MAX_VCPUS = 32;
inline constexpr size_t EVTCHN_2L_NR_CHANNELS = 4096;

inline constexpr uint8_t XEN_PVCLOCK_TSC_STABLE_BIT = 1 << 0;
inline constexpr uint8_t XEN_PVCLOCK_GUEST_STOPPED = 1 << 1;

struct VcpuTimeInfo {
    uint32_t version;  // 00  odd while hv changes the rest
    uint32_t pad0;
    uint64_t tsc_timestamp;      // 08
    uint64_t system_time;        // 10  ns
    uint32_t tsc_to_system_mul;  // 18
    int8_t tsc_shift;            // 1c
    uint8_t flags;               // 1d
    uint8_t pad1[2];
};
static_assert(sizeof(VcpuTimeInfo) == 32);

struct ArchVcpuInfo {
    uint64_t cr2;
    uint64_t pad;
};

struct VcpuInfo {
    uint8_t evtchn_upcall_pending;  // 00
    uint8_t evtchn_upcall_mask;     // 01  PV only
    uint8_t rsvd_002[6];
    uint64_t evtchn_pending_sel;  // 08
    ArchVcpuInfo arch;            // 10
    VcpuTimeInfo time;            // 20
};
static_assert(sizeof(VcpuInfo) == 64 && offsetof(VcpuInfo, evtchn_pending_sel) == 8);

struct ArchSharedInfo {
    uint64_t max_pfn;
    uint64_t pfn_to_mfn_frame_list_list;
    uint64_t nmi_reason;
    uint64_t p2m_cr3;
    uint64_t p2m_vaddr;
    uint64_t p2m_generation;
};

struct SharedInfo {
    VcpuInfo vcpu_info[XEN_LEGACY_MAX_VCPUS];  // 000
    uint64_t evtchn_pending[64];               // 800
    uint64_t evtchn_mask[64];                  // a00
    uint32_t wc_version;                       // c00
    uint32_t wc_sec;                           // c04
    uint32_t wc_nsec;                          // c08
    uint32_t wc_sec_hi;                        // c0c
    ArchSharedInfo arch;                       // c10
};
static_assert(sizeof(SharedInfo) == 0xc40 && offsetof(SharedInfo, wc_version) == 0xc00);

}  // namespace hv::abi
