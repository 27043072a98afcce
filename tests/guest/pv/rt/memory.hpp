// SPDX-License-Identifier: Apache-2.0
// memory_op of a PV test kernel: its arguments, filled in.
#pragma once

#include "hv/abi/xen_hypercall.hpp"
#include "hv/abi/xen_memory.hpp"
#include "tests/guest/pv/rt/hypercall.hpp"

#include <cstdint>

namespace pv {

using hv::abi::MemoryOp;

inline constexpr auto decrease = MemoryOp::XENMEM_decrease_reservation;
inline constexpr auto increase = MemoryOp::XENMEM_increase_reservation;
inline constexpr auto populate = MemoryOp::XENMEM_populate_physmap;

inline int64_t memory(MemoryOp op, const void* args) {
    return hypercall(Hypercall::memory_op, op, args);
}

inline hv::abi::MemoryReservation reservation(uint64_t list, uint64_t count, uint32_t order = 0,
                                              uint32_t flags = 0,
                                              uint16_t domain = hv::abi::DOMID_SELF) {
    hv::abi::MemoryReservation args{};
    args.extent_start = list;
    args.nr_extents = count;
    args.extent_order = order;
    args.mem_flags = flags;
    args.domid = domain;
    return args;
}

inline int64_t reserve(MemoryOp op, uint64_t list, uint64_t count, uint32_t order = 0,
                       uint32_t flags = 0, uint16_t domain = hv::abi::DOMID_SELF) {
    const auto args = reservation(list, count, order, flags, domain);
    return memory(op, &args);
}
template <class T, size_t N>
int64_t reserve(MemoryOp op, T (&list)[N]) {
    return reserve(op, to_argument(+list), N);
}

inline uint64_t current_reservation() {
    const hv::abi::MemoryDomain args{hv::abi::DOMID_SELF};
    return static_cast<uint64_t>(memory(MemoryOp::XENMEM_current_reservation, &args));
}

inline hv::abi::MemoryExchange exchange_of(const uint64_t* in, uint64_t in_count, uint32_t in_order,
                                           uint64_t* out, uint64_t out_count, uint32_t out_order) {
    return {.in = reservation(to_argument(in), in_count, in_order),
            .out = reservation(to_argument(out), out_count, out_order),
            .nr_exchanged = 0};
}
inline int64_t exchange(hv::abi::MemoryExchange* args) {
    return memory(MemoryOp::XENMEM_exchange, args);
}

}  // namespace pv
