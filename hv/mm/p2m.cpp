// SPDX-License-Identifier: Apache-2.0
#include "hv/mm/p2m.hpp"

#include "hv/mm/page_entry.hpp"

namespace hv::mm {

namespace {

constexpr uint64_t guest_table_flags = pte::P | pte::RW | pte::US | pte::A;
// A and D are preset: the walk would set them, which costs a locked store on real processors.
constexpr uint64_t common_flags = pte::P | pte::US | pte::A | pte::D;

uint64_t leaf_flags(Access access) {
    switch (access) {
        case Access::ReadWriteExecute:
            return common_flags | pte::RW;
        case Access::ReadWrite:
            return common_flags | pte::RW | pte::NX;
        case Access::ReadOnly:
            break;
    }
    return common_flags | pte::NX;
}

Access access_of(uint64_t entry) {
    if ((entry & pte::RW) == 0) {
        return Access::ReadOnly;
    }
    return (entry & pte::NX) != 0 ? Access::ReadWrite : Access::ReadWriteExecute;
}

bool is_within_limit(Gfn gfn, uint64_t count) {
    return count <= P2m::gfn_limit && gfn.value() <= P2m::gfn_limit - count;
}

}  // namespace

Result<void, P2mError> P2m::init(TablePool pool) {
    // Once domains run only single pages change, which leaves every table in use.
    return table_.init(pool, guest_table_flags, FreedTables::Kept);
}

Result<void, P2mError> P2m::map(Gfn gfn, Mfn mfn, uint64_t count, Access access) {
    if (!is_within_limit(gfn, count)) {
        return Err{P2mError::BadAddress};
    }
    const LockGuard guard{lock_};
    return table_.map(gfn.value(), mfn, count, leaf_flags(access));
}

Result<void, P2mError> P2m::map_device(Gfn gfn, Mfn mfn, uint64_t count) {
    if (!is_within_limit(gfn, count)) {
        return Err{P2mError::BadAddress};
    }
    const LockGuard guard{lock_};
    return table_.map(gfn.value(), mfn, count,
                      common_flags | pte::RW | pte::NX | pte::PCD | pte::PWT);
}

Result<void, P2mError> P2m::unmap(Gfn gfn, uint64_t count) {
    if (!is_within_limit(gfn, count)) {
        return Err{P2mError::BadAddress};
    }
    const LockGuard guard{lock_};
    return table_.unmap(gfn.value(), count);
}

std::optional<P2m::Mapping> P2m::lookup(Gfn gfn) const {
    const LockGuard guard{lock_};
    return lookup_locked(gfn);
}

std::optional<Gfn> P2m::next_mapped(Gfn gfn) const {
    const LockGuard guard{lock_};
    const auto page = table_.next_mapped(gfn.value());
    if (!page || *page >= gfn_limit) {
        return std::nullopt;
    }
    return Gfn{*page};
}

std::optional<P2m::Mapping> P2m::lookup_locked(Gfn gfn) const {
    const auto leaf = table_.lookup(gfn.value());
    if (!leaf) {
        return std::nullopt;
    }
    return Mapping{leaf->mfn, access_of(leaf->entry)};
}

}  // namespace hv::mm
