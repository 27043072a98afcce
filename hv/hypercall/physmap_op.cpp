// SPDX-License-Identifier: Apache-2.0
// XENMEM_add_to_physmap and its kin: pages that hv shares with the domain, and memory of other
// domains: the builder's window on those under construction, and that of a control domain.
#include "hv/abi/xen_memory.hpp"
#include "hv/domain/rights.hpp"
#include "hv/grant/grant_table.hpp"
#include "hv/grant/mapping.hpp"
#include "hv/hypercall/memory_op.hpp"

#include <algorithm>

namespace hv::hypercall {

namespace {

constexpr uint64_t pages_at_a_time = domain::PhysmapChange::max_removed;

// The frame that hv shares with the domain under that index. With the domain's lock held.
Result<Mfn, Errno> shared_frame(domain::Domain& domain, abi::PhysMapSpace space, uint64_t index) {
    if (space == abi::PhysMapSpace::XENMAPSPACE_shared_info && index == 0) {
        return domain.shared_info_mfn;
    }
    if (space == abi::PhysMapSpace::XENMAPSPACE_grant_table) {
        // Indices with XENMAPIDX_grant_table_status lie beyond any table.
        if (const auto mfn = domain.grants->frame(index); mfn) {
            return *mfn;
        }
    }
    return fail(Errno::XEN_EINVAL);
}

Result<void, Errno> add_shared(domain::PhysmapChange& change, domain::Domain& domain,
                               abi::PhysMapSpace space, uint64_t index, Gfn gfn) {
    const LockGuard guard{domain.lock};
    const Mfn mfn = TRY(shared_frame(domain, space, index));
    return edge(change.map(gfn, mfn, mm::Access::ReadWrite));
}

// One element of a batch.
Result<void, Errno> add_one(const Call& call, domain::PhysmapChange& change,
                            const abi::AddToPhysmapBatch& args, domain::Domain* foreign,
                            uint64_t n) {
    const uint64_t index = TRY(read<uint64_t>(call, element<uint64_t>(GuestVaddr{args.idxs}, n)));
    const Gfn gfn{TRY(read<uint64_t>(call, element<uint64_t>(GuestVaddr{args.gpfns}, n)))};
    const Result<void, Errno> added =
        foreign != nullptr ? edge(domain::map_foreign(call.domain(), gfn, *foreign, Gfn{index}))
                           : add_shared(change, call.domain(),
                                        static_cast<abi::PhysMapSpace>(args.space), index, gfn);
    const int32_t status = added.ok() ? 0 : -static_cast<int32_t>(added.error());
    return write(call, element<int32_t>(GuestVaddr{args.errs}, n), status);
}

// Whose memory the caller may map: the builder those of domains under construction, others of whom
// they control.
Result<domain::Domain*, Errno> foreign_owner(const Call& call, uint16_t domid) {
    if (!call.domain().is_builder) {
        return find_controlled(call, domid);
    }
    domain::Domain* const owner = TRY(self_or_under_construction(call, domid));
    if (owner == &call.domain()) {
        return fail(Errno::XEN_EPERM);
    }
    return owner;
}

// A PV guest has machine frames: what hv shares with it has its own already.
Result<void, Errno> require_translated(const Call& call) {
    if (call.domain().pv != nullptr) {
        return fail(Errno::XEN_EACCES);
    }
    return Ok{};
}

}  // namespace

Answer add_to_physmap(Call& call) {
    const auto args = TRY(read<abi::AddToPhysmap>(call, call.pointer(1)));
    TRY(require_self(call, args.domid));
    TRY(require_translated(call));
    const auto space = static_cast<abi::PhysMapSpace>(args.space);
    if (space != abi::PhysMapSpace::XENMAPSPACE_shared_info &&
        space != abi::PhysMapSpace::XENMAPSPACE_grant_table) {
        return fail(Errno::XEN_ENOSYS);
    }
    domain::PhysmapChange change{call.domain()};
    TRY(add_shared(change, call.domain(), space, args.idx, Gfn{args.gpfn}));
    return 0;
}

Answer add_to_physmap_batch(Call& call) {
    const auto args = TRY(read<abi::AddToPhysmapBatch>(call, call.pointer(1)));
    TRY(require_self(call, args.domid));
    TRY(require_translated(call));
    domain::Domain* foreign = nullptr;
    const auto space = static_cast<abi::PhysMapSpace>(args.space);
    if (space == abi::PhysMapSpace::XENMAPSPACE_gmfn_foreign) {
        foreign = TRY(foreign_owner(call, args.u.foreign_domid));
    } else if (args.u.res0 != 0 || (space != abi::PhysMapSpace::XENMAPSPACE_shared_info &&
                                    space != abi::PhysMapSpace::XENMAPSPACE_grant_table)) {
        return fail(Errno::XEN_EINVAL);
    }

    domain::PhysmapChange change{call.domain()};
    uint64_t n = elements_done(call);
    const uint64_t stop = std::min<uint64_t>(args.size, n + pages_at_a_time);
    for (; n < stop; ++n) {
        TRY(add_one(call, change, args, foreign, n));
    }
    if (n < args.size) {
        return again_from(call, n);
    }
    return 0;
}

Answer remove_from_physmap(Call& call) {
    const auto args = TRY(read<abi::RemoveFromPhysmap>(call, call.pointer(1)));
    TRY(require_self(call, args.domid));
    TRY(require_translated(call));
    domain::PhysmapChange change{call.domain()};
    const LockGuard guard{call.domain().lock};
    const Gfn gfn{args.gpfn};
    // Of others' frames only those that are no grants go: what foreign_owner() lets be mapped.
    const bool may_have_foreign =
        call.domain().is_builder || domain::controls_others(call.domain());
    if (may_have_foreign && !grant::is_grant_at(call.domain(), gfn) &&
        change.remove_foreign(gfn).ok()) {
        return 0;
    }
    TRY(edge(change.remove(gfn)));
    return 0;
}

}  // namespace hv::hypercall
