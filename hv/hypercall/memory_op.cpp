// SPDX-License-Identifier: Apache-2.0
// memory_op(cmd, arg). [xen-pub] memory.h.
#include "hv/hypercall/memory_op.hpp"

#include "hv/abi/xen_memory.hpp"
#include "hv/hypercall/handlers.hpp"
#include "hv/mm/frame_table.hpp"

namespace hv::hypercall {

namespace {

Answer reservation_of(const Call& call, uint64_t domain::Domain::*pages) {
    const auto args = TRY(read<abi::MemoryDomain>(call, call.pointer(1)));
    const domain::Domain* target = TRY(self_or_under_construction(call, args.domid));
    return target->*pages;
}

}  // namespace

Answer memory_op(Call& call) {
    constexpr uint64_t mask = (1 << memory_op_shift) - 1;
    switch (static_cast<abi::MemoryOp>(call.args[0] & mask)) {
        case abi::MemoryOp::XENMEM_increase_reservation:
            return increase_reservation(call);
        case abi::MemoryOp::XENMEM_decrease_reservation:
            return decrease_reservation(call);
        case abi::MemoryOp::XENMEM_populate_physmap:
            return populate_physmap(call);
        case abi::MemoryOp::XENMEM_maximum_ram_page:
            return mm::machine_frames.frame_count();
        case abi::MemoryOp::XENMEM_current_reservation:
            return reservation_of(call, &domain::Domain::tot_pages);
        case abi::MemoryOp::XENMEM_maximum_reservation:
            return reservation_of(call, &domain::Domain::max_pages);
        case abi::MemoryOp::XENMEM_maximum_gpfn:
            return maximum_gpfn(call);
        case abi::MemoryOp::XENMEM_add_to_physmap:
            return add_to_physmap(call);
        case abi::MemoryOp::XENMEM_add_to_physmap_batch:
            return add_to_physmap_batch(call);
        case abi::MemoryOp::XENMEM_remove_from_physmap:
            return remove_from_physmap(call);
        case abi::MemoryOp::XENMEM_memory_map:
            return memory_map(call);
        case abi::MemoryOp::XENMEM_set_memory_map:
            return set_memory_map(call);
        case abi::MemoryOp::XENMEM_machine_memory_map:
        case abi::MemoryOp::XENMEM_claim_pages:
            return fail(Errno::XEN_EPERM);
        case abi::MemoryOp::XENMEM_exchange:
        case abi::MemoryOp::XENMEM_machphys_mapping:
        case abi::MemoryOp::XENMEM_machphys_mfn_list:
        case abi::MemoryOp::XENMEM_acquire_resource:
            break;
    }
    return fail(Errno::XEN_ENOSYS);
}

}  // namespace hv::hypercall
