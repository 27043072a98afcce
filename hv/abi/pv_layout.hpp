// SPDX-License-Identifier: Apache-2.0
// Where things are in a PV domain. A PV "machine frame" is a guest frame of its container, so the
// numbers here are what the guest sees as machine frame numbers. RAM lies as in every domain: below
// 3 GiB and from 4 GiB on; what hv adds lies in the hole between. Used by hv/pv and by domB, which
// writes the machine-to-phys table and maps the special pages into the guest's p2m list.
#pragma once

#include <cstdint>

namespace hv::abi {

// HYPERVISOR_VIRT_START to _END: L4 slots 256 to 271 belong to the hypervisor. [xen-pub]
// arch-x86/xen-x86_64.h.
inline constexpr uint64_t pv_hypervisor_virt_start = 0xffff'8000'0000'0000;
inline constexpr uint64_t pv_hypervisor_virt_end = 0xffff'8800'0000'0000;
inline constexpr unsigned pv_first_l4_slot = 256;
inline constexpr unsigned pv_l4_slots = 16;

// The machine-to-phys table (M2P): read-only for the guest, one uint64_t per machine frame, all
// ones where there is none of the guest's. [xen-pub] MACH2PHYS_VIRT_START.
inline constexpr uint64_t pv_m2p_virt = 0xffff'8000'0000'0000;
inline constexpr uint64_t pv_m2p_entries_per_frame = 512;
inline constexpr uint64_t pv_invalid_m2p_entry = ~uint64_t{0};

// Machine frames. The M2P's frame for machine frames 512*n to 512*n+511 is pv_m2p_gfn + n where it
// has an entry; hv makes those for RAM and for the special pages, filled with pv_invalid_m2p_entry.
inline constexpr uint64_t pv_foreign_gfn = 0xc0000;  // grants and foreign maps of this domain
inline constexpr uint64_t pv_foreign_gfn_end = 0xef800;
// Names without frames at first: what the guest wants in a row is named here, below 4 GiB, because
// its RAM has all other names.
inline constexpr uint64_t pv_spare_gfn = 0xef800;
inline constexpr uint64_t pv_spare_gfn_end = 0xf0000;
inline constexpr uint64_t pv_m2p_gfn = 0xf0000;   // to 0xf7fff: 64 GiB of machine frames
inline constexpr uint64_t pv_area_gfn = 0xf8000;  // hv's page tables, stubs, per-vCPU pages
inline constexpr uint64_t pv_shared_info_gfn = 0xfe000;
inline constexpr uint64_t pv_grant_table_gfn = 0xfe100;
inline constexpr uint64_t pv_xenstore_gfn = 0xfeffc;
inline constexpr uint64_t pv_console_gfn = 0xfefff;

}  // namespace hv::abi
