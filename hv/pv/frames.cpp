// SPDX-License-Identifier: Apache-2.0
#include "hv/pv/frames.hpp"

#include "hv/domain/physmap.hpp"
#include "hv/pv/page_tables.hpp"
#include "hv/pv/pv.hpp"

#include <algorithm>
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

// The first free run in [first, end). A domain may have its frames scattered as it likes, so only
// so many places are looked at.
std::optional<Gfn> find_run_within(const domain::Domain& d, uint64_t first, uint64_t end,
                                   uint32_t order) {
    constexpr unsigned most_places = 8192;
    const uint64_t size = uint64_t{1} << order;
    uint64_t at = align_up(first, size);
    for (unsigned n = 0; at < end && end - at >= size && n < most_places; ++n) {
        const auto mapped = d.p2m.next_mapped(Gfn{at});
        if (!mapped || mapped->value() - at >= size) {
            return Gfn{at};
        }
        at = align_up(mapped->value() + 1, size);
    }
    return std::nullopt;
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

std::optional<Gfn> find_free_frame(domain::Domain& d, uint64_t& looks_left) {
    uint64_t& next = d.pv->next_name;
    for (uint64_t i = 0; i < d.max_pages && looks_left > 0; ++i) {
        --looks_left;
        next = next < d.max_pages ? next : 0;
        const Gfn name = name_of_ram(next++);
        if (!d.p2m.lookup(name)) {
            return name;
        }
    }
    return std::nullopt;
}

std::optional<Gfn> find_free_run(domain::Domain& d, uint32_t order, Gfn limit) {
    const auto within = [&](uint64_t first, uint64_t end) {
        return find_run_within(d, first, std::min(end, limit.value()), order);
    };
    if (const auto spare = within(abi::pv_spare_gfn, abi::pv_spare_gfn_end); spare) {
        return spare;
    }
    const uint64_t below = std::min(d.max_pages, ram_hole_start);
    if (const auto low = within(0, below); low) {
        return low;
    }
    return within(ram_hole_end, ram_hole_end + (d.max_pages - below));
}

void forget_frame(domain::Domain& d, Gfn name) {
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
