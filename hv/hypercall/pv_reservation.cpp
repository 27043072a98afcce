// SPDX-License-Identifier: Apache-2.0
// Ballooning of PV domains: they hand back frames by name, and get frames whose names they are
// told. Extents of more than one page have names in a row, as the guest sees frames; in the machine
// they lie anywhere.
#include "hv/abi/xen_memory.hpp"
#include "hv/hypercall/memory_op.hpp"
#include "hv/mm/frame_table.hpp"

#include <algorithm>

namespace hv::hypercall {

namespace {

struct Extents {
    GuestVaddr list{};
    uint64_t count = 0;
    uint64_t pages = 0;  // of each, 0: too many
    uint32_t order = 0;
    Gfn limit{};
};

Result<Extents, Errno> read_extents(const Call& call) {
    const auto args = TRY(read<abi::MemoryReservation>(call, call.pointer(1)));
    TRY(require_self(call, args.domid));
    if (elements_done(call) > args.nr_extents ||
        args.nr_extents > ~uint64_t{0} >> memory_op_shift) {
        return fail(Errno::XEN_EINVAL);
    }
    const bool is_allowed = args.extent_order <= pv::max_extent_order;
    return Extents{.list = GuestVaddr{args.extent_start},
                   .count = args.nr_extents,
                   .pages = is_allowed ? uint64_t{1} << args.extent_order : 0,
                   .order = args.extent_order,
                   .limit = name_limit(args.mem_flags)};
}

bool may_remove(domain::Domain& domain, Gfn name) {
    const auto frame = pv::own_ram_frame(domain, name);
    return frame && mm::machine_frames.get(*frame).foreign_mappings == 0;
}

// All of an extent or nothing. Only another vCPU that maps or takes one of its frames meanwhile can
// cut a long one short, because the lock is let go for each flush.
bool remove_extent(domain::Domain& domain, domain::PhysmapChange& change, Gfn first,
                   uint64_t pages) {
    {
        const LockGuard guard{domain.lock};
        for (uint64_t k = 0; k < pages; ++k) {
            if (!may_remove(domain, first + k)) {
                return false;
            }
        }
    }
    for (uint64_t k = 0; k < pages; ++k) {
        if (change.is_full()) {
            change.finish();
        }
        const LockGuard guard{domain.lock};
        if (!may_remove(domain, first + k) || !change.remove(first + k).ok()) {
            return false;
        }
        pv::forget_frame(domain, first + k);
    }
    return true;
}

Result<Gfn, pv::SearchError> find_names(Call& call, const Extents& extents) {
    domain::Domain& domain = call.domain();
    if (domain.set_aside_count + domain.reserve_count < extents.pages) {
        return Err{pv::SearchError::None};
    }
    return pv::find_names(domain, extents.order, extents.limit, call.looks_left);
}

// All of an extent or nothing.
Result<Gfn, pv::SearchError> add_extent(Call& call, const Extents& extents) {
    domain::Domain& domain = call.domain();
    uint64_t done = 0;
    Gfn first{};
    {
        const LockGuard guard{domain.lock};
        first = TRY(find_names(call, extents));
        while (done < extents.pages && domain::populate(domain, first + done).ok()) {
            ++done;
        }
    }
    if (done == extents.pages) {
        return first;
    }
    domain::PhysmapChange undo{domain};
    static_cast<void>(remove_extent(domain, undo, first, done));
    return Err{pv::SearchError::None};
}

// Whether the list's element is there and may be written: asked before a frame is lost.
Result<uint64_t, Errno> read_writable(const Call& call, GuestVaddr at) {
    const auto value = TRY(read<uint64_t>(call, at));
    TRY(write(call, at, value));
    return value;
}

}  // namespace

bool charge_pages(Call& call, uint64_t pages) {
    constexpr uint64_t pages_per_table = 16;
    const uint64_t tables = (pages + pages_per_table - 1) / pages_per_table;
    static_assert((uint64_t{1} << pv::max_extent_order) / pages_per_table <= Call::most_tables);
    const bool has_done_some = call.tables_left < Call::most_tables;
    if (call.tables_left < tables || (has_done_some && call.is_turn_over())) {
        return false;
    }
    call.tables_left -= static_cast<uint32_t>(tables);
    return true;
}

Gfn name_limit(uint32_t mem_flags) {
    const uint32_t bits = mem_flags & abi::XENMEMF_address_bits_mask;
    constexpr uint64_t all = mm::P2m::gfn_limit;
    if (bits == 0 || bits >= 64) {
        return Gfn{all};
    }
    return Gfn{std::min(all, (uint64_t{1} << bits) >> page_shift)};
}

Answer decrease_pv_reservation(Call& call) {
    const Extents extents = TRY(read_extents(call));
    domain::PhysmapChange change{call.domain()};  // one flush for many frames
    uint64_t n = elements_done(call);
    for (; extents.pages != 0 && n < extents.count; ++n) {
        if (!charge_pages(call, extents.pages)) {
            return again_from(call, n);
        }
        const auto first = read<uint64_t>(call, element<uint64_t>(extents.list, n));
        if (!first.ok() || first.value() > ~uint64_t{0} - extents.pages ||
            !remove_extent(call.domain(), change, Gfn{first.value()}, extents.pages)) {
            return n;
        }
    }
    return n;
}

Answer grow_pv_reservation(Call& call, bool has_pfns) {
    const Extents extents = TRY(read_extents(call));
    uint64_t n = elements_done(call);
    for (; extents.pages != 0 && n < extents.count; ++n) {
        if (!charge_pages(call, extents.pages)) {
            return again_from(call, n);
        }
        const GuestVaddr at = element<uint64_t>(extents.list, n);
        const auto pfn = read_writable(call, at);
        if (!pfn.ok()) {
            return n;
        }
        const auto first = add_extent(call, extents);
        if (!first.ok()) {
            return first.error() == pv::SearchError::NotDone ? Answer{again_from(call, n)}
                                                             : Answer{n};
        }
        for (uint64_t k = 0; has_pfns && k < extents.pages; ++k) {
            TRY(edge(pv::write_m2p(call.domain(), first.value() + k, pfn.value() + k)));
        }
        TRY(write(call, at, first.value().value()));
    }
    return n;
}

}  // namespace hv::hypercall
