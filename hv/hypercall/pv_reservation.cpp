// SPDX-License-Identifier: Apache-2.0
// Ballooning of PV domains: they hand back frames by name, and get frames whose names they are
// told. Extents of more than one page have names in a row, as the guest sees frames; in the machine
// they lie anywhere.
#include "hv/abi/xen_memory.hpp"
#include "hv/hypercall/memory_op.hpp"

#include <algorithm>
#include <optional>

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

bool remove_extent(domain::Domain& domain, Gfn first, uint64_t pages) {
    domain::PhysmapChange change{domain};
    for (uint64_t k = 0; k < pages; ++k) {
        if (change.is_full()) {
            change.finish();
        }
        const LockGuard guard{domain.lock};
        if (!pv::own_ram_frame(domain, first + k) || !change.remove(first + k).ok()) {
            return false;
        }
        pv::forget_frame(domain, first + k);
    }
    return true;
}

std::optional<Gfn> find_names(domain::Domain& domain, const Extents& extents,
                              uint64_t& looks_left) {
    if (domain.set_aside_count + domain.reserve_count < extents.pages) {
        return std::nullopt;
    }
    if (extents.order == 0 && extents.limit.value() == mm::P2m::gfn_limit) {
        return pv::find_free_frame(domain, looks_left);
    }
    return pv::find_free_run(domain, extents.order, extents.limit);
}

// All of an extent or nothing.
std::optional<Gfn> add_extent(domain::Domain& domain, const Extents& extents,
                              uint64_t& looks_left) {
    uint64_t done = 0;
    std::optional<Gfn> first;
    {
        const LockGuard guard{domain.lock};
        first = find_names(domain, extents, looks_left);
        while (first && done < extents.pages && domain::populate(domain, *first + done).ok()) {
            ++done;
        }
    }
    if (done == extents.pages) {
        return first;
    }
    if (done > 0) {
        static_cast<void>(remove_extent(domain, *first, done));
    }
    return std::nullopt;
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
    if (call.tables_left < tables) {
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
    uint64_t n = elements_done(call);
    for (; extents.pages != 0 && n < extents.count; ++n) {
        if (!charge_pages(call, extents.pages)) {
            return again_from(call, n);
        }
        const auto first = read<uint64_t>(call, element<uint64_t>(extents.list, n));
        if (!first.ok() || first.value() > ~uint64_t{0} - extents.pages ||
            !remove_extent(call.domain(), Gfn{first.value()}, extents.pages)) {
            return n;
        }
    }
    return n;
}

Answer grow_pv_reservation(Call& call, bool has_pfns) {
    const Extents extents = TRY(read_extents(call));
    uint64_t n = elements_done(call);
    uint64_t looks_left = pv::most_looks;
    for (const uint64_t start = n; extents.pages != 0 && n < extents.count; ++n) {
        if (!charge_pages(call, extents.pages) || (looks_left == 0 && n != start)) {
            return again_from(call, n);
        }
        const GuestVaddr at = element<uint64_t>(extents.list, n);
        const auto pfn = read_writable(call, at);
        const auto first = pfn.ok() ? add_extent(call.domain(), extents, looks_left) : std::nullopt;
        if (!first) {
            return n;
        }
        for (uint64_t k = 0; has_pfns && k < extents.pages; ++k) {
            TRY(edge(pv::write_m2p(call.domain(), *first + k, pfn.value() + k)));
        }
        TRY(write(call, at, first->value()));
    }
    return n;
}

}  // namespace hv::hypercall
