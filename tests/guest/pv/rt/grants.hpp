// SPDX-License-Identifier: Apache-2.0
// grant_table_op of a PV test kernel: its arguments, filled in, and its own table.
#pragma once

#include "hv/abi/xen_grant_table.hpp"
#include "hv/abi/xen_hypercall.hpp"
#include "tests/guest/pv/rt/kernel.hpp"
#include "tests/guest/pv/rt/pages.hpp"

#include <cstdint>

namespace pv {

using hv::abi::GrantStatus;
using hv::abi::GrantTableOp;

inline constexpr uint64_t grant_table_virt = 0x7100000000;

template <class T>
int64_t grant_op(GrantTableOp op, T list, uint64_t count = 1) {
    return hypercall(Hypercall::grant_table_op, op, list, count);
}

inline void check_status(int16_t actual, GrantStatus expected, std::string_view what) {
    check_result(actual, static_cast<int16_t>(expected), what);
}

// GNTTABOP_setup_table, and maps the first frame.
inline void start_grants() {
    uint64_t frame = 0;
    hv::abi::GnttabSetupTable setup{};
    setup.dom = hv::abi::DOMID_SELF;
    setup.nr_frames = 1;
    setup.frame_list = to_argument(&frame);
    if (grant_op(GrantTableOp::GNTTABOP_setup_table, &setup) != 0 || setup.status != 0) {
        fail("setup_table");
    }
    map_page(grant_table_virt, frame * page_bytes | pte::kernel);
}

// The entry, as one word: flags, domain, frame.
inline void set_grant(uint32_t ref, uint16_t flags, uint16_t domain, uint64_t mfn) {
    word(grant_table_virt + ref * sizeof(uint64_t)) = mfn << 32 | uint64_t{domain} << 16 | flags;
}
inline uint64_t grant_flags(uint32_t ref) {
    return word(grant_table_virt + ref * sizeof(uint64_t)) & 0xffff;
}

inline hv::abi::GnttabMapGrantRef map_of(uint16_t domain, uint32_t ref, uint64_t host_addr,
                                         uint32_t flags = 0) {
    hv::abi::GnttabMapGrantRef op{};
    op.host_addr = host_addr;
    op.flags = hv::abi::GNTMAP_host_map | flags;
    op.ref = ref;
    op.dom = domain;
    op.status = 99;
    return op;
}
// The status.
inline int16_t map_grant(hv::abi::GnttabMapGrantRef& op) {
    check_result(grant_op(GrantTableOp::GNTTABOP_map_grant_ref, &op), 0, "map_grant_ref");
    return op.status;
}
inline int16_t unmap_grant(uint32_t handle, uint64_t host_addr, uint64_t bus_addr = 0) {
    hv::abi::GnttabUnmapGrantRef op{};
    op.host_addr = host_addr;
    op.dev_bus_addr = bus_addr;
    op.handle = handle;
    op.status = 99;
    check_result(grant_op(GrantTableOp::GNTTABOP_unmap_grant_ref, &op), 0, "unmap_grant_ref");
    return op.status;
}

// Nobody says which domain this is, but only ours lets us map this.
inline uint16_t find_self(uint32_t ref, uint64_t mfn, uint64_t virt) {
    for (uint16_t id = 1; id < 64; ++id) {
        set_grant(ref, hv::abi::GTF_permit_access, id, mfn);
        auto op = map_of(id, ref, virt);
        if (map_grant(op) == 0) {
            check_status(unmap_grant(op.handle, virt), GrantStatus::GNTST_okay, "unmap");
            return id;
        }
    }
    fail("no domain's grant can be mapped");
}

}  // namespace pv
