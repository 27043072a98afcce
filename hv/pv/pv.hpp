// SPDX-License-Identifier: Apache-2.0
// What a PV domain and its vCPUs have beyond every other domain: pages of the hypervisor's part of
// their address space, and which of their frames are page tables. The pages are hv's, never reused,
// and mapped into the domain: a guest may overwrite them, so hv only ever writes them.
#pragma once

#include "hv/base/address.hpp"
#include "hv/base/spinlock.hpp"
#include "hv/pv/stub_layout.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace hv::abi {
struct VcpuGuestContext;
}
namespace hv::domain {
struct Domain;
struct Vcpu;
}  // namespace hv::domain

namespace hv::pv {

struct ExchangedPage;

// L4 slot 260, beside the M2P in slot 256.
inline constexpr uint64_t area_virt = STUB_AREA_VIRT;
inline constexpr unsigned area_l4_slot = STUB_L4_SLOT;
inline constexpr unsigned ram_l4_slot = area_l4_slot + 1;
inline constexpr unsigned m2p_l4_slot = 256;

// Where the searches for free names go on (frames.hpp), in this exit or the next.
struct NameSearch {
    uint64_t next_name = 0;     // of single names: they go round
    uint64_t names_looked = 0;  // of those, since one was found or given up
    uint64_t next_place = 0;    // of runs of this order and below this limit, before which is none
    uint32_t order = 0;
    Gfn limit{};
};

struct PvDomain {
    Gfn m2p_root{};  // level-3 tables that every L4 of the guest points to
    Gfn area_root{};
    Gfn ram_root{};
    uint64_t mapped_frames = 0;       // of RAM, for the stub
    uint64_t max_mfn = 0;             // frames that the M2P has entries for
    std::span<uint64_t> area_tables;  // level-1 entries of all blocks, in order
    std::span<std::atomic<uint8_t>>
        table_levels;  // of each frame, by index_of: 1 to 4 if it is pinned, or 0
    // Of the vCPU that is in an operation which holds Domain::lock for long: outermost, and never
    // waited for. The others come again later, so that who else needs that lock waits for one.
    Spinlock memory_op_lock;
    NameSearch search;  // under Domain::lock
    // XENMEM_exchange keeps its notes here; under Domain::lock.
    ExchangedPage* exchanged = nullptr;
    std::atomic<uint64_t> vm_assist{0};
    // VCPUOP_initialise reads into this, with the domain's lock held: too large for a stack.
    abi::VcpuGuestContext* context = nullptr;
};

// Whether user space runs on the kernel's tables, which then keep it out by U=0, or on its own.
enum class UserTables : uint8_t { Undecided, Kernels, Separate };

struct PvVcpu {
    std::byte* data = nullptr;       // STUB_DATA
    std::byte* traps = nullptr;      // STUB_TRAPS
    std::byte* idt = nullptr;        // STUB_IDT
    uint64_t* area_table = nullptr;  // the 64 entries of this block
    uint64_t block = 0;              // guest virtual
    UserTables tables = UserTables::Undecided;
    uint8_t masking_callbacks = 0;  // STUB_MASKS_*
};

// Writes to one of these pages; the offset may be that within the block, as STUB_* are.
template <class T>
void put(std::byte* page, uint64_t offset, T value) {
    std::memcpy(page + page_offset(offset), &value, sizeof(value));
}

}  // namespace hv::pv
