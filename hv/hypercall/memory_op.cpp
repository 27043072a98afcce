// SPDX-License-Identifier: Apache-2.0
// memory_op(cmd, arg). [xen-pub] memory.h.
#include "hv/hypercall/memory_op.hpp"

#include "hv/abi/pv_layout.hpp"
#include "hv/abi/xen_memory.hpp"
#include "hv/hypercall/handlers.hpp"
#include "hv/mm/frame_table.hpp"
#include "hv/pv/pv.hpp"
#include "hv/sched/sched.hpp"

namespace hv::hypercall {

namespace {

// Those of PV domains that hold Domain::lock for long.
Answer one_at_a_time(Call& call, Answer (*work)(Call&)) {
    pv::PvDomain* const pv = call.domain().pv;
    if (pv == nullptr) {
        return work(call);
    }
    if (!pv->memory_op_lock.try_lock()) {
        sched::yield_current();
        return again();
    }
    Answer answer = work(call);
    pv->memory_op_lock.unlock();
    return answer;
}

Answer reservation_of(const Call& call, uint64_t domain::Domain::*pages) {
    const auto args = TRY(read<abi::MemoryDomain>(call, call.pointer(1)));
    const domain::Domain* target = TRY(self_or_under_construction(call, args.domid));
    return target->*pages;
}

Answer maximum_ram_page(const Call& call) {
    const pv::PvDomain* pv = call.domain().pv;
    return pv != nullptr ? pv->max_mfn - 1 : mm::machine_frames.frame_count();
}

Answer machphys_mapping(const Call& call) {
    const pv::PvDomain* pv = call.domain().pv;
    if (pv == nullptr) {
        return fail(Errno::XEN_ENOSYS);
    }
    const abi::MachphysMapping answer{.v_start = abi::pv_m2p_virt,
                                      .v_end = abi::pv_m2p_virt + pv->max_mfn * sizeof(uint64_t),
                                      .max_mfn = pv->max_mfn - 1};
    TRY(write(call, call.pointer(1), answer));
    return 0;
}

}  // namespace

Answer memory_op(Call& call) {
    constexpr uint64_t mask = (1 << memory_op_shift) - 1;
    switch (static_cast<abi::MemoryOp>(call.args[0] & mask)) {
        case abi::MemoryOp::XENMEM_increase_reservation:
            return one_at_a_time(call, increase_reservation);
        case abi::MemoryOp::XENMEM_decrease_reservation:
            return one_at_a_time(call, decrease_reservation);
        case abi::MemoryOp::XENMEM_populate_physmap:
            return one_at_a_time(call, populate_physmap);
        case abi::MemoryOp::XENMEM_maximum_ram_page:
            return maximum_ram_page(call);
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
        case abi::MemoryOp::XENMEM_machphys_mapping:
            return machphys_mapping(call);
        case abi::MemoryOp::XENMEM_exchange:
            return one_at_a_time(call, exchange);
        case abi::MemoryOp::XENMEM_acquire_resource:
            return acquire_resource(call);
        case abi::MemoryOp::XENMEM_machphys_mfn_list:
            break;
    }
    return fail(Errno::XEN_ENOSYS);
}

}  // namespace hv::hypercall
