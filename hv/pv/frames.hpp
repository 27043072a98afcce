// SPDX-License-Identifier: Apache-2.0
// Machine frames of a PV domain: which names there are, which of them are free, and the M2P. A name
// is a guest frame number of the container. RAM has names below 3 GiB and from 4 GiB on, as many as
// the plan gives it at most; pv_spare_gfn has more, for frames in a row. Used by memory_op.
#pragma once

#include "hv/abi/pv_layout.hpp"
#include "hv/base/address.hpp"
#include "hv/base/result.hpp"
#include "hv/domain/domain.hpp"

#include <cstdint>
#include <optional>

namespace hv::pv {

inline constexpr uint64_t ram_hole_start = abi::pv_foreign_gfn;
inline constexpr uint64_t ram_hole_end = 0x100000;
inline constexpr uint64_t spare_names = abi::pv_spare_gfn_end - abi::pv_spare_gfn;
// Extents of memory_op: larger ones are refused.
inline constexpr uint32_t max_extent_order = 9;

constexpr uint64_t name_count(const domain::Domain& domain) {
    return domain.max_pages + spare_names;
}
// The place of a name in PvDomain::table_levels; nothing if it is no name of RAM.
std::optional<uint64_t> index_of(const domain::Domain& domain, Gfn name);

// A frame that the guest has for itself: its RAM and its rings, not what hv made for it.
std::optional<Mfn> own_frame(domain::Domain& domain, Gfn name);
// The same without the rings: what the guest may hand back.
std::optional<Mfn> own_ram_frame(domain::Domain& domain, Gfn name);

enum class SearchError : uint8_t {
    None,     // no such names are free: refuse
    NotDone,  // too few looks are left: the search goes on when the call is made again
};
// Names that are looked at in one exit, before the call gives way: with Domain::lock held, for
// which those wait, too, who copy from the domain's pages. An extent of the largest order costs as
// much.
inline constexpr uint64_t most_looks = 8192;
// 2^order free names in a row, aligned, none of them at or above `limit`. Each name looked at is
// counted off `looks_left`. Domain::lock held.
Result<Gfn, SearchError> find_names(domain::Domain& domain, uint32_t order, Gfn limit,
                                    uint64_t& looks_left);

// What is not RAM any more is no page table, and no pfn is behind it. Domain::lock held: searches
// begin anew.
void forget_frame(domain::Domain& domain, Gfn name);

enum class FrameError : uint8_t {
    NotOwn,  // not a frame of the domain's RAM: refuse
};
Result<void, FrameError> write_m2p(domain::Domain& domain, Gfn name, uint64_t pfn);

}  // namespace hv::pv
