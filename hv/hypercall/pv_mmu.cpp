// SPDX-License-Identifier: Apache-2.0
// mmu_update(list, count, done, foreign domain) and update_va_mapping(address, entry, flags) of PV
// guests. [xen-pub] xen.h.
#include "hv/abi/xen_hypercall.hpp"
#include "hv/abi/xen_pv.hpp"
#include "hv/hypercall/handlers.hpp"
#include "hv/hypercall/pv_batch.hpp"
#include "hv/hypercall/pv_flush.hpp"
#include "hv/pv/page_tables.hpp"

namespace hv::hypercall {

namespace {

constexpr uint32_t updates_at_a_time = 128;

Answer update(const Call& call, const abi::MmuUpdate& request) {
    domain::Domain& domain = call.domain();
    const GuestPaddr at{request.ptr & ~abi::mmu_update_cmd_mask};
    switch (static_cast<abi::MmuUpdateCmd>(request.ptr & abi::mmu_update_cmd_mask)) {
        case abi::MmuUpdateCmd::MMU_NORMAL_PT_UPDATE:
        case abi::MmuUpdateCmd::MMU_PT_UPDATE_NO_TRANSLATE:
            TRY(edge(pv::write_entry(domain, at, request.val, false)));
            return 0;
        case abi::MmuUpdateCmd::MMU_PT_UPDATE_PRESERVE_AD:
            TRY(edge(pv::write_entry(domain, at, request.val, true)));
            return 0;
        case abi::MmuUpdateCmd::MMU_MACHPHYS_UPDATE:
            TRY(edge(pv::write_m2p(domain, to_gfn(at), request.val)));
            return 0;
    }
    return fail(Errno::XEN_ENOSYS);
}

}  // namespace

// The high half may name the domain that has the page tables, plus one.
Answer mmu_update(Call& call) {
    const uint32_t tables_of = static_cast<uint32_t>(call.args[3]) >> 16;
    if (tables_of != 0) {
        TRY(require_self(call, static_cast<uint16_t>(tables_of - 1)));
    }
    return for_each_request<abi::MmuUpdate>(
        call, updates_at_a_time,
        [&](const abi::MmuUpdate& request) { return update(call, request); });
}

Answer update_va_mapping(Call& call) {
    const auto at = pv::find_leaf(call.vcpu, call.pointer(0));
    if (!at) {
        return fail(Errno::XEN_EINVAL);
    }
    TRY(edge(pv::write_entry(call.domain(), *at, call.args[1], false)));
    return flush_after_update(call, call.args[2]);
}

Answer update_va_mapping_otherdomain(Call& call) {
    TRY(require_self(call, static_cast<uint16_t>(call.args[3])));
    return update_va_mapping(call);
}

}  // namespace hv::hypercall
