// SPDX-License-Identifier: Apache-2.0
#include "hv/domain/physmap.hpp"

#include "hv/base/assert.hpp"
#include "hv/domain/domain_locks.hpp"
#include "hv/domain/rights.hpp"
#include "hv/mm/direct_map.hpp"
#include "hv/mm/frame_table.hpp"

#include <cstring>

namespace hv::domain {

namespace {

using mm::machine_frames;

enum class Kind : uint8_t {
    OwnRam,
    Shared,   // a page of hv that it shares with the domain: shared_info, grant table
    Foreign,  // RAM of another domain
    Fixed,    // devices, the event log
};

Kind kind_of(const Domain& domain, Mfn mfn) {
    const mm::FrameInfo info = machine_frames.get(mfn);
    switch (info.use) {
        case mm::FrameUse::Guest:
            return info.owner == domain.id ? Kind::OwnRam : Kind::Foreign;
        case mm::FrameUse::Hypervisor:
            return Kind::Shared;
        case mm::FrameUse::Absent:
        case mm::FrameUse::Free:
        case mm::FrameUse::Module:
        case mm::FrameUse::SetAside:
        case mm::FrameUse::EventLog:
            break;
    }
    return Kind::Fixed;
}

PhysmapError from(mm::P2mError error) {
    return error == mm::P2mError::NoTables ? PhysmapError::NoTables : PhysmapError::BadGfn;
}

Result<void, PhysmapError> map_one(Domain& domain, Gfn gfn, Mfn mfn, mm::Access access) {
    if (const auto mapped = domain.p2m.map(gfn, mfn, 1, access); !mapped.ok()) {
        return Err{from(mapped.error())};
    }
    return Ok{};
}

Result<void, PhysmapError> unmap_one(Domain& domain, Gfn gfn) {
    if (const auto unmapped = domain.p2m.unmap(gfn, 1); !unmapped.ok()) {
        return Err{from(unmapped.error())};
    }
    return Ok{};
}

Result<void, PhysmapError> require_empty(const Domain& domain, Gfn gfn) {
    if (gfn.value() >= mm::P2m::gfn_limit) {
        return Err{PhysmapError::BadGfn};
    }
    if (domain.p2m.lookup(gfn)) {
        return Err{PhysmapError::Occupied};
    }
    return Ok{};
}

bool is_in_builder_window(Gfn gfn) {
    return gfn >= builder_window_first && gfn < builder_window_first + builder_window_pages;
}

// With both locks held.
bool may_map_foreign(const Domain& mapper, const Domain& owner) {
    if (mapper.is_builder) {
        return owner.state == State::UnderConstruction;
    }
    return controls(mapper, owner) && !owner.is_dying.load();
}

}  // namespace

std::optional<Mfn> own_ram(Domain& domain, Gfn gfn) {
    if (gfn.value() >= mm::P2m::gfn_limit) {
        return std::nullopt;
    }
    const auto mapping = domain.p2m.lookup(gfn);
    if (!mapping || mapping->access == mm::Access::ReadOnly ||
        kind_of(domain, mapping->mfn) != Kind::OwnRam) {
        return std::nullopt;
    }
    return mapping->mfn;
}

// Whether the frame may go, and a note of it for finish(). Changes nothing in the p2m.
Result<void, PhysmapError> PhysmapChange::take_out(mm::P2m::Mapping mapping) {
    switch (kind_of(domain_, mapping.mfn)) {
        case Kind::OwnRam:
            if (machine_frames.get(mapping.mfn).foreign_mappings != 0) {
                return Err{PhysmapError::Pinned};
            }
            ASSERT(ram_.push(mapping.mfn).ok());
            break;
        case Kind::Shared:
            break;
        case Kind::Foreign:
        case Kind::Fixed:
            return Err{PhysmapError::NotOwn};
    }
    needs_flush_ = true;
    return Ok{};
}

Result<void, PhysmapError> PhysmapChange::map(Gfn gfn, Mfn mfn, mm::Access access) {
    if (gfn.value() >= mm::P2m::gfn_limit) {
        return Err{PhysmapError::BadGfn};
    }
    const size_t ram_before = ram_.size();
    if (const auto old = domain_.p2m.lookup(gfn); old) {
        TRY(take_out(*old));
    }
    if (const auto mapped = map_one(domain_, gfn, mfn, access); !mapped.ok()) {
        // The old entry is still there: its frame stays.
        while (ram_.size() > ram_before) {
            ram_.pop();
        }
        return Err{mapped.error()};
    }
    return Ok{};
}

Result<void, PhysmapError> PhysmapChange::remove(Gfn gfn) {
    if (gfn.value() >= mm::P2m::gfn_limit) {
        return Err{PhysmapError::BadGfn};
    }
    const auto old = domain_.p2m.lookup(gfn);
    if (!old) {
        return Err{PhysmapError::NotMapped};
    }
    const size_t ram_before = ram_.size();
    TRY(take_out(*old));
    if (const auto unmapped = unmap_one(domain_, gfn); !unmapped.ok()) {
        while (ram_.size() > ram_before) {
            ram_.pop();
        }
        return Err{unmapped.error()};
    }
    return Ok{};
}

Result<void, PhysmapError> PhysmapChange::remove_foreign(Gfn gfn) {
    if (gfn.value() >= mm::P2m::gfn_limit) {
        return Err{PhysmapError::BadGfn};
    }
    const auto old = domain_.p2m.lookup(gfn);
    if (!old) {
        return Err{PhysmapError::NotMapped};
    }
    if (kind_of(domain_, old->mfn) != Kind::Foreign) {
        return Err{PhysmapError::NotOwn};
    }
    TRY(unmap_one(domain_, gfn));
    ASSERT(foreign_.push(old->mfn).ok());
    needs_flush_ = true;
    return Ok{};
}

void PhysmapChange::finish() {
    if (!needs_flush_) {
        return;
    }
    needs_flush_ = false;
    flush_tlb(domain_);
    for (const Mfn mfn : foreign_) {
        machine_frames.drop_foreign_mapping(mfn);
    }
    foreign_.clear();
    const LockGuard guard{domain_.lock};
    for (const Mfn mfn : ram_) {
        machine_frames.set_aside(mfn, domain_.set_aside_first);
        domain_.set_aside_first = mfn;
        ++domain_.set_aside_count;
        --domain_.tot_pages;
    }
    ram_.clear();
}

void keep_in_reserve(Domain& domain, mm::Extent frames) {
    for (uint64_t n = frames.count; n-- > 0;) {
        const Mfn mfn = frames.first + n;
        machine_frames.keep_for(mfn, domain.id, domain.reserve_first);
        domain.reserve_first = mfn;
    }
    domain.reserve_count += frames.count;
}

Result<void, PhysmapError> populate(Domain& domain, Gfn gfn) {
    TRY(require_empty(domain, gfn));
    const bool is_its_own = domain.set_aside_count > 0;
    if (!is_its_own && domain.reserve_count == 0) {
        return Err{PhysmapError::NotMapped};
    }
    Mfn& first = is_its_own ? domain.set_aside_first : domain.reserve_first;
    uint64_t& count = is_its_own ? domain.set_aside_count : domain.reserve_count;
    const Mfn mfn = first;
    if (is_its_own) {
        // What one part of a guest gave back is not for its next user. The reserve was free: no
        // domain of this boot has used it, or hv has scrubbed it.
        std::memset(mm::direct_map(mfn), 0, page_size);
    }
    TRY(map_one(domain, gfn, mfn, mm::Access::ReadWriteExecute));
    first = machine_frames.take_back(mfn);
    --count;
    ++domain.tot_pages;
    return Ok{};
}

Result<void, PhysmapError> map_foreign(Domain& mapper, Gfn gfn, Domain& owner, Gfn owner_gfn) {
    if (mapper.is_builder && !is_in_builder_window(gfn)) {
        return Err{PhysmapError::BadGfn};
    }
    const DomainLocks locks{mapper, owner};
    TRY(require_empty(mapper, gfn));
    if (!may_map_foreign(mapper, owner)) {
        return Err{PhysmapError::NotOwn};
    }
    const auto mfn = own_ram(owner, owner_gfn);
    if (!mfn) {
        return Err{PhysmapError::NotMapped};
    }
    TRY(map_one(mapper, gfn, *mfn, mm::Access::ReadWrite));
    machine_frames.add_foreign_mapping(*mfn);
    return Ok{};
}

void unmap_foreign_range(Domain& mapper, Gfn first, uint64_t count) {
    const Gfn end = first + count;
    std::optional<Gfn> at = mapper.p2m.next_mapped(first);
    while (at && *at < end) {
        PhysmapChange change{mapper};
        const LockGuard guard{mapper.lock};
        for (; at && *at < end && !change.is_full(); at = mapper.p2m.next_mapped(*at + 1)) {
            // Anything else in the range stays as it is.
            static_cast<void>(change.remove_foreign(*at).ok());
        }
    }
}

void release_foreign(Domain& domain) {
    if (controls_others(domain)) {
        unmap_foreign_range(domain, Gfn{0}, mm::P2m::gfn_limit);
    }
}

}  // namespace hv::domain
