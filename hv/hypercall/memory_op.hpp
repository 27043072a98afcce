// SPDX-License-Identifier: Apache-2.0
// The groups of memory_op's commands. As on Xen, the command register also says how many elements
// of a list are done: command in bits 5:0, done in the rest.
#pragma once

#include "hv/hypercall/call.hpp"

#include <cstdint>

namespace hv::hypercall {

inline constexpr uint64_t memory_op_shift = 6;

inline uint64_t elements_done(const Call& call) {
    return call.args[0] >> memory_op_shift;
}
// Call again from element `done` on.
inline Err<Errno> again_from(Call& call, uint64_t done) {
    call.args[0] = (call.args[0] & ((1 << memory_op_shift) - 1)) | done << memory_op_shift;
    return again();
}

// physmap_op.cpp
Answer add_to_physmap(Call& call);
Answer add_to_physmap_batch(Call& call);
Answer remove_from_physmap(Call& call);
// acquire_resource.cpp
Answer acquire_resource(Call& call);
// reservation.cpp
Answer decrease_reservation(Call& call);
Answer increase_reservation(Call& call);
Answer populate_physmap(Call& call);
// pv_reservation.cpp
Answer decrease_pv_reservation(Call& call);
Answer grow_pv_reservation(Call& call, bool has_pfns);
// What pages cost of Call::tables_left, so that a multicall of such calls gives way too: false if
// the call has to. An extent of the largest order can always be paid at the beginning of a call.
bool charge_pages(Call& call, uint64_t pages);
// The first name that is too high for an extent with these mem_flags.
Gfn name_limit(uint32_t mem_flags);
// pv_exchange.cpp
Answer exchange(Call& call);
// memory_map.cpp
Answer memory_map(Call& call);
Answer set_memory_map(Call& call);
Answer maximum_gpfn(Call& call);

}  // namespace hv::hypercall
