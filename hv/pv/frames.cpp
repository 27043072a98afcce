// SPDX-License-Identifier: Apache-2.0
#include "hv/pv/frames.hpp"

#include "hv/domain/physmap.hpp"
#include "hv/pv/page_tables.hpp"
#include "hv/pv/pv.hpp"

#include <atomic>

namespace hv::pv {

namespace {

Gfn name_of_ram(uint64_t index) {
    return Gfn{index < ram_hole_start ? index : index - ram_hole_start + ram_hole_end};
}

bool store_m2p(domain::Domain& d, Gfn name, uint64_t pfn) {
    constexpr uint64_t each = abi::pv_m2p_entries_per_frame;
    const Gfn frame{abi::pv_m2p_gfn + name.value() / each};
    return d.p2m.with_page(frame, true, [&](std::byte* page) {
        // SAFETY: a whole frame of entries.
        std::atomic_ref{reinterpret_cast<uint64_t*>(page)[name.value() % each]}.store(pfn);
    });
}

// A name that is free, of RAM: the next one from where the last search ended.
Result<Gfn, SearchError> find_one(domain::Domain& d, uint64_t& looks_left) {
    NameSearch& search = d.pv->search;
    for (; search.names_looked < d.max_pages; ++search.names_looked) {
        if (looks_left == 0) {
            return Err{SearchError::NotDone};
        }
        --looks_left;
        search.next_name = search.next_name < d.max_pages ? search.next_name : 0;
        const Gfn name = name_of_ram(search.next_name);
        if (!d.p2m.lookup(name)) {
            search.names_looked = 0;
            return name;
        }
        ++search.next_name;
    }
    search.names_looked = 0;
    return Err{SearchError::None};
}

// Runs are looked for among the spare names first. All ranges begin and end at the largest order.
Gfn name_of_place(uint64_t place) {
    return place < spare_names ? Gfn{abi::pv_spare_gfn + place} : name_of_ram(place - spare_names);
}
static_assert(spare_names % (1U << max_extent_order) == 0 &&
              abi::pv_spare_gfn % (1U << max_extent_order) == 0 &&
              ram_hole_start % (1U << max_extent_order) == 0 &&
              ram_hole_end % (1U << max_extent_order) == 0);

bool is_free(const domain::Domain& d, Gfn first, uint64_t count, uint64_t& looks_left) {
    for (uint64_t n = 0; n < count; ++n) {
        --looks_left;
        if (d.p2m.lookup(first + n)) {
            return false;
        }
    }
    return true;
}

// The first free run. Places before `next_place` were not free when they were looked at, and no
// name has been given up since.
Result<Gfn, SearchError> find_run(domain::Domain& d, uint32_t order, Gfn limit,
                                  uint64_t& looks_left) {
    NameSearch& search = d.pv->search;
    if (search.order != order || search.limit != limit) {
        search.order = order;
        search.limit = limit;
        search.next_place = 0;
    }
    const uint64_t size = uint64_t{1} << order;
    for (; search.next_place + size <= name_count(d); search.next_place += size) {
        if (looks_left < size) {
            return Err{SearchError::NotDone};
        }
        const Gfn first = name_of_place(search.next_place);
        if (first + size > limit) {
            --looks_left;
        } else if (is_free(d, first, size, looks_left)) {
            return first;
        }
    }
    search.next_place = 0;
    return Err{SearchError::None};
}

}  // namespace

std::optional<uint64_t> index_of(const domain::Domain& d, Gfn name) {
    const uint64_t n = name.value();
    uint64_t index = d.max_pages;
    if (n < ram_hole_start) {
        index = n;
    } else if (n >= ram_hole_end) {
        index = n - ram_hole_end + ram_hole_start;
    }
    if (index < d.max_pages) {
        return index;
    }
    if (n >= abi::pv_spare_gfn && n < abi::pv_spare_gfn_end) {
        return d.max_pages + (n - abi::pv_spare_gfn);
    }
    return std::nullopt;
}

std::optional<Mfn> own_frame(domain::Domain& d, Gfn name) {
    const bool is_m2p = name >= Gfn{abi::pv_m2p_gfn} && name < Gfn{abi::pv_area_gfn};
    return is_m2p ? std::nullopt : domain::own_ram(d, name);
}

std::optional<Mfn> own_ram_frame(domain::Domain& d, Gfn name) {
    return index_of(d, name) ? domain::own_ram(d, name) : std::nullopt;
}

Result<Gfn, SearchError> find_names(domain::Domain& d, uint32_t order, Gfn limit,
                                    uint64_t& looks_left) {
    const bool is_any = order == 0 && limit.value() >= mm::P2m::gfn_limit;
    return is_any ? find_one(d, looks_left) : find_run(d, order, limit, looks_left);
}

void forget_frame(domain::Domain& d, Gfn name) {
    d.pv->search.names_looked = 0;
    d.pv->search.next_place = 0;
    forget_table(d, name);
    if (index_of(d, name)) {
        store_m2p(d, name, abi::pv_invalid_m2p_entry);
    }
}

Result<void, FrameError> write_m2p(domain::Domain& d, Gfn name, uint64_t pfn) {
    if (!own_ram_frame(d, name) || !store_m2p(d, name, pfn)) {
        return Err{FrameError::NotOwn};
    }
    return Ok{};
}

}  // namespace hv::pv
