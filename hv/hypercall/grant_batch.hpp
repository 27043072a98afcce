// SPDX-License-Identifier: Apache-2.0
// What the operations of grant_table_op share: lists of requests, each with a status; and those of
// PV guests (pv_grants.cpp).
#pragma once

#include "hv/abi/xen_grant_table.hpp"
#include "hv/hypercall/call.hpp"

#include <algorithm>
#include <cstdint>

namespace hv::hypercall {

using abi::GrantStatus;

inline int16_t to_raw(GrantStatus status) {
    return static_cast<int16_t>(status);
}

inline GrantStatus status_of(const Result<void, Errno>& allowed) {
    if (allowed.ok()) {
        return GrantStatus::GNTST_okay;
    }
    return allowed.error() == Errno::XEN_ESRCH ? GrantStatus::GNTST_bad_domain
                                               : GrantStatus::GNTST_permission_denied;
}

// What is left of a batch stands in the arguments: list in args[1], count in args[2].
template <class Op>
Answer rest_of_batch(Call& call, uint32_t done) {
    call.args[1] += done * sizeof(Op);
    call.args[2] -= done;
    if (static_cast<uint32_t>(call.args[2]) == 0) {
        return 0;
    }
    return again();
}

// Reads each element of a batch, calls `work` on the copy, writes the copy back.
template <class Op, class Work>
Answer for_batch(Call& call, uint32_t at_a_time, Work&& work) {
    const uint32_t count = std::min(static_cast<uint32_t>(call.args[2]), at_a_time);
    uint32_t done = 0;
    for (; done < count && !(done > 0 && call.is_turn_over()); ++done) {
        const GuestVaddr at = element<Op>(call.pointer(1), done);
        auto op = TRY(read<Op>(call, at));
        work(op);
        TRY(write(call, at, op));
    }
    return rest_of_batch<Op>(call, done);
}

// pv_grants.cpp
Answer setup_pv_grants(const Call& call, abi::GnttabSetupTable args);
Answer map_pv_grants(Call& call);
Answer unmap_pv_grants(Call& call);
Answer replace_pv_grants(Call& call);

}  // namespace hv::hypercall
