// SPDX-License-Identifier: Apache-2.0
// What a PV kernel finds at RSI: start_info of [xen-pub] xen.h, "start-of-day memory layout".
// domB writes it. Addresses are guest virtual, mfns are machine frames as the guest knows them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hv::abi {

inline constexpr size_t MAX_GUEST_CMDLINE = 1024;

// flags; SIF_PRIVILEGED and SIF_INITDOMAIN are in xen_start_info.hpp.
inline constexpr uint32_t SIF_MULTIBOOT_MOD = 1 << 2;
inline constexpr uint32_t SIF_MOD_START_PFN = 1 << 3;
inline constexpr uint32_t SIF_VIRT_P2M_4TOOLS = 1 << 4;

struct StartInfo {
    char magic[32];        // 000  "xen-3.0-x86_64"
    uint64_t nr_pages;     // 020
    uint64_t shared_info;  // 028  machine address
    uint32_t flags;        // 030  SIF_*
    uint32_t rsvd_034;
    uint64_t store_mfn;     // 038
    uint32_t store_evtchn;  // 040
    uint32_t rsvd_044;
    union {
        struct {
            uint64_t mfn;
            uint32_t evtchn;
        } domU;
        struct {
            uint32_t info_off;
            uint32_t info_size;
        } dom0;
    } console;                         // 048
    uint64_t pt_base;                  // 058
    uint64_t nr_pt_frames;             // 060
    uint64_t mfn_list;                 // 068
    uint64_t mod_start;                // 070  a pfn with SIF_MOD_START_PFN
    uint64_t mod_len;                  // 078
    char cmd_line[MAX_GUEST_CMDLINE];  // 080
    uint64_t first_p2m_pfn;            // 480
    uint64_t nr_p2m_frames;            // 488
};
static_assert(sizeof(StartInfo) == 0x490 && offsetof(StartInfo, pt_base) == 0x58);

}  // namespace hv::abi
