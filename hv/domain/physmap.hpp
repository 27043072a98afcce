// SPDX-License-Identifier: Apache-2.0
// What a running domain may change in its own guest physical address space: put a frame somewhere,
// take one away, give RAM back and get it again (ballooning). Used by memory_op and by grants.
// Every frame is checked against the frame table; nothing but the domain's own changes here.
#pragma once

#include "hv/base/address.hpp"
#include "hv/base/result.hpp"
#include "hv/base/static_vector.hpp"
#include "hv/domain/domain.hpp"
#include "hv/mm/extents.hpp"

#include <cstdint>
#include <optional>

namespace hv::domain {

enum class PhysmapError : uint8_t {
    BadGfn,     // beyond the guest physical address space: refuse
    NotMapped,  // nothing is there: refuse
    Pinned,     // others have the frame mapped, or hv has registered it: refuse
    NotOwn,     // what is there is not the domain's to remove (grants, devices): refuse
    Occupied,   // something is there already: refuse
    NoTables,   // the domain's page-table pool is used up: refuse
};

// A frame of the domain's RAM at gfn that may be written, or nothing.
std::optional<Mfn> own_ram(Domain& domain, Gfn gfn);

// A few changes of one domain's p2m that share one TLB flush. First the changes, with the domain's
// lock held; then finish(), without it. RAM that was taken out is set aside for the domain, and
// only once no CPU can reach it by an old translation.
class PhysmapChange {
  public:
    static constexpr size_t max_removed = 64;

    explicit PhysmapChange(Domain& domain) : domain_{domain} {}
    ~PhysmapChange() { finish(); }
    PhysmapChange(const PhysmapChange&) = delete;
    PhysmapChange& operator=(const PhysmapChange&) = delete;

    // Maps one frame; what of its own the domain had there is taken out.
    Result<void, PhysmapError> map(Gfn gfn, Mfn mfn, mm::Access access);
    // Takes out own RAM or a page that hv shares with the domain.
    Result<void, PhysmapError> remove(Gfn gfn);
    // Takes out a frame of another domain, mapped by map_foreign and no grant.
    Result<void, PhysmapError> remove_foreign(Gfn gfn);

    [[nodiscard]] bool is_full() const { return ram_.full() || foreign_.full(); }
    void finish();

  private:
    Result<void, PhysmapError> take_out(mm::P2m::Mapping mapping);

    Domain& domain_;
    StaticVector<Mfn, max_removed> ram_;
    StaticVector<Mfn, max_removed> foreign_;
    bool needs_flush_ = false;
};

// Puts free frames into the domain's reserve, from where populate takes them.
void keep_in_reserve(Domain& domain, mm::Extent frames);

// Maps one of the frames that the domain had set aside, zeroed, or has in reserve at gfn, which
// must be empty. With the domain's lock held.
Result<void, PhysmapError> populate(Domain& domain, Gfn gfn);

// The builder's window, where alone it can have frames of others, so that they are found when they
// are taken from it.
inline constexpr Gfn builder_window_first{0x800000};
inline constexpr uint64_t builder_window_pages = 0x800000;

// Maps RAM of a domain into another one, at an empty gfn: into the builder's window while the owner
// is under construction, or into who controls the owner. Takes both locks.
Result<void, PhysmapError> map_foreign(Domain& mapper, Gfn gfn, Domain& owner, Gfn owner_gfn);
// Unmaps every foreign frame in the range, flushes, and drops the counts.
void unmap_foreign_range(Domain& mapper, Gfn first, uint64_t count);
// Teardown of a domain that holds no grants any more: what else it has of others. The builder's is
// gone since it may not run any more.
void release_foreign(Domain& domain);

}  // namespace hv::domain
