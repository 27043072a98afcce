// SPDX-License-Identifier: Apache-2.0
// mmu_update(list, count, done, foreign domain) and update_va_mapping(address, entry, flags) of PV
// guests. [xen-pub] xen.h.
#include "hv/abi/xen_hypercall.hpp"
#include "hv/abi/xen_pv.hpp"
#include "hv/grant/resource.hpp"
#include "hv/hypercall/handlers.hpp"
#include "hv/hypercall/pv_batch.hpp"
#include "hv/hypercall/pv_flush.hpp"
#include "hv/mm/page_entry.hpp"
#include "hv/pv/page_tables.hpp"

namespace hv::hypercall {

namespace {

constexpr uint32_t updates_at_a_time = 128;

// Frames of another domain have names here once XENMEM_acquire_resource has given them; then they
// are the caller's names like any other, and only their owner must be the one that the call names.
bool is_legal_for(const Call& call, const domain::Domain& owner, const abi::MmuUpdate& request) {
    if (&owner == &call.domain()) {
        return true;
    }
    const auto command = static_cast<abi::MmuUpdateCmd>(request.ptr & abi::mmu_update_cmd_mask);
    const Gfn named = to_gfn(GuestPaddr{request.val & mm::pte::address_mask});
    return command != abi::MmuUpdateCmd::MMU_MACHPHYS_UPDATE &&
           ((request.val & mm::pte::P) == 0 ||
            grant::is_resource_of(call.domain(), owner.id, named));
}

Answer update(const Call& call, const domain::Domain& owner, const abi::MmuUpdate& request) {
    domain::Domain& domain = call.domain();
    const GuestPaddr at{request.ptr & ~abi::mmu_update_cmd_mask};
    if (!is_legal_for(call, owner, request)) {
        return fail(Errno::XEN_EINVAL);
    }
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

// The domain whose frames the entries name.
Result<domain::Domain*, Errno> owner_of_frames(const Call& call) {
    const auto domid = static_cast<uint16_t>(call.args[3]);
    if (require_self(call, domid).ok()) {
        return &call.domain();
    }
    return find_controlled(call, domid);
}

}  // namespace

// The low half names the domain that has the frames, the high half the one that has the page
// tables, plus one.
Answer mmu_update(Call& call) {
    const uint32_t tables_of = static_cast<uint32_t>(call.args[3]) >> 16;
    if (tables_of != 0) {
        TRY(require_self(call, static_cast<uint16_t>(tables_of - 1)));
    }
    const auto owner = owner_of_frames(call);
    if (!owner.ok()) {
        // As on Xen. Linux believes the count: it leaves out the first that is not done, and goes
        // on.
        TRY(batch::count_done(call, 0, batch::is_continued(call)));
        return fail(owner.error());
    }
    return for_each_request<abi::MmuUpdate>(
        call, updates_at_a_time,
        [&](const abi::MmuUpdate& request) { return update(call, *owner.value(), request); });
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
