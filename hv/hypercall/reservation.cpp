// SPDX-License-Identifier: Apache-2.0
// Ballooning: a domain hands RAM back, and takes it or what the plan allows it beyond. What it
// hands back stays its own, scrubbed before it is mapped anew; what it may grow by is in its
// reserve since before it ran. So no domain's memory ever depends on another's behaviour.
#include "hv/abi/xen_memory.hpp"
#include "hv/hypercall/memory_op.hpp"

namespace hv::hypercall {

namespace {

constexpr uint64_t pages_at_a_time = domain::PhysmapChange::max_removed;
// Larger extents are refused by doing none, as Xen does beyond its own limit. Those of PV domains
// are in pv_reservation.cpp.
constexpr uint32_t max_order = 6;
static_assert(uint64_t{1} << max_order <= pages_at_a_time);

// Calls `page` for every page of the extents from `elements_done` on, until one fails: the answer
// is then the number of whole extents done.
template <class Page>
Answer for_each_extent(Call& call, Page&& page) {
    const auto args = TRY(read<abi::MemoryReservation>(call, call.pointer(1)));
    TRY(require_self(call, args.domid));
    uint64_t n = elements_done(call);
    if (n > args.nr_extents || args.nr_extents > ~uint64_t{0} >> memory_op_shift) {
        return fail(Errno::XEN_EINVAL);
    }
    if (args.extent_order > max_order) {
        return n;
    }
    const uint64_t pages = uint64_t{1} << args.extent_order;
    for (uint64_t done = 0; n < args.nr_extents; ++n, done += pages) {
        if (done + pages > pages_at_a_time) {
            return again_from(call, n);
        }
        auto first = read<uint64_t>(call, element<uint64_t>(GuestVaddr{args.extent_start}, n));
        if (!first.ok() || first.value() > ~uint64_t{0} - pages) {
            return n;
        }
        for (uint64_t k = 0; k < pages; ++k) {
            if (!page(Gfn{first.value() + k})) {
                return n;
            }
        }
    }
    return n;
}

}  // namespace

Answer decrease_reservation(Call& call) {
    domain::Domain& domain = call.domain();
    if (domain.pv != nullptr) {
        return decrease_pv_reservation(call);
    }
    domain::PhysmapChange change{domain};
    const auto remove = [&](Gfn gfn) {
        const LockGuard guard{domain.lock};
        return domain::own_ram(domain, gfn).has_value() && change.remove(gfn).ok();
    };
    return for_each_extent(call, remove);
}

Answer populate_physmap(Call& call) {
    domain::Domain& domain = call.domain();
    if (domain.pv != nullptr) {
        return grow_pv_reservation(call, true);
    }
    const auto populate = [&](Gfn gfn) {
        const LockGuard guard{domain.lock};
        return domain::populate(domain, gfn).ok();
    };
    return for_each_extent(call, populate);
}

// Gives a translated guest frames that it cannot name; no kernel wants them. None are given.
Answer increase_reservation(Call& call) {
    if (call.domain().pv != nullptr) {
        return grow_pv_reservation(call, false);
    }
    const auto args = TRY(read<abi::MemoryReservation>(call, call.pointer(1)));
    TRY(require_self(call, args.domid));
    return 0;
}

}  // namespace hv::hypercall
