// SPDX-License-Identifier: Apache-2.0
#include "hv/grant/mapping.hpp"

#include "hv/base/assert.hpp"
#include "hv/domain/domain_locks.hpp"
#include "hv/grant/grant_table.hpp"
#include "hv/grant/use.hpp"

#include <algorithm>

namespace hv::grant {

namespace {

Result<domain::Domain*, GrantStatus> granter_of(const abi::GnttabMapGrantRef& op) {
    domain::Domain* granter = domain::find(DomainId{op.dom});
    if (granter == nullptr || granter->is_dying.load() || granter->grants == nullptr) {
        return Err{GrantStatus::GNTST_bad_domain};
    }
    return granter;
}

Result<void, GrantStatus> check_flags(uint32_t flags) {
    if ((flags & (abi::GNTMAP_host_map | abi::GNTMAP_device_map)) == 0) {
        return Err{GrantStatus::GNTST_bad_gntref};
    }
    // A translated guest maps whole pages by guest physical address, and nothing else.
    if ((flags & ~abi::GNTMAP_readonly) != abi::GNTMAP_host_map) {
        return Err{GrantStatus::GNTST_general_error};
    }
    return Ok{};
}

Result<uint32_t, GrantStatus> map_locked(domain::PhysmapChange& change, domain::Domain& mapper,
                                         domain::Domain& granter, const abi::GnttabMapGrantRef& op,
                                         std::optional<Gfn> window) {
    // Teardown sets is_dying before it takes the lock to look for mappings.
    if (granter.is_dying.load() || mapper.is_dying.load()) {
        return Err{GrantStatus::GNTST_bad_domain};
    }
    const auto handle = mapper.grants->find_free_handle(granter.id);
    if (!handle) {
        return Err{GrantStatus::GNTST_no_space};
    }
    const GrantRef ref{op.ref};
    const bool write = (op.flags & abi::GNTMAP_readonly) == 0;
    const Mfn mfn = TRY(acquire(granter, ref, mapper.id, write));
    const Gfn gfn = window ? *window + *handle : to_gfn(GuestPaddr{op.host_addr});
    const auto access = write ? mm::Access::ReadWrite : mm::Access::ReadOnly;
    if (const auto mapped = change.map(gfn, mfn, access); !mapped.ok()) {
        release(granter, ref, write);
        return Err{mapped.error() == domain::PhysmapError::NoTables
                       ? GrantStatus::GNTST_no_space
                       : GrantStatus::GNTST_general_error};
    }
    mapper.grants->use_handle(*handle, {.gfn = gfn,
                                        .mfn = mfn,
                                        .ref = ref,
                                        .granter = granter.id,
                                        .state = MappingState::Mapped,
                                        .is_writable = write,
                                        .is_in_entry = (op.flags & abi::GNTMAP_contains_pte) != 0});
    return *handle;
}

Result<uint32_t, GrantStatus> try_map(domain::PhysmapChange& change, domain::Domain& mapper,
                                      const abi::GnttabMapGrantRef& op, std::optional<Gfn> window) {
    domain::Domain* granter = TRY(granter_of(op));
    const domain::DomainLocks locks{mapper, *granter};
    return map_locked(change, mapper, *granter, op, window);
}

// The p2m entry of a mapping goes. It is still there: a guest cannot remove a foreign frame by any
// other operation. And it is one 4 KiB entry, so this cannot run out of tables.
void remove_entry(domain::Domain& mapper, const Mapping& mapping) {
    const auto unmapped = mapper.p2m.unmap(mapping.gfn, 1);
    ASSERT(unmapped.ok());
}

// The granter is about to end: its frame makes room for what the mapper may touch without harm. The
// entry exists, so this cannot run out of tables either.
void put_substitute(domain::Domain& mapper, const Mapping& mapping) {
    const auto access = mapping.is_writable ? mm::Access::ReadWrite : mm::Access::ReadOnly;
    const auto mapped = mapper.p2m.map(mapping.gfn, mapper.grants->substitute(), 1, access);
    ASSERT(mapped.ok());
}
// Unless the mapper has put something else there.
void remove_substitute(domain::Domain& mapper, const Mapping& mapping) {
    const auto there = mapper.p2m.lookup(mapping.gfn);
    if (there && there->mfn == mapper.grants->substitute()) {
        remove_entry(mapper, mapping);
    }
}

enum class Unmapped : uint8_t {
    Nothing,
    Substitute,  // the handle is free
    Grant,       // in use until it is finished
};
Result<Unmapped, GrantStatus> start_unmap(domain::Domain& mapper,
                                          const abi::GnttabUnmapGrantRef& op) {
    const LockGuard guard{mapper.lock};
    const auto mappings = mapper.grants->mappings();
    if (op.handle >= mappings.size()) {
        return Err{GrantStatus::GNTST_bad_handle};
    }
    Mapping& mapping = mappings[op.handle];
    if (mapping.state == MappingState::Revoked) {
        remove_substitute(mapper, mapping);
        mapper.grants->free_handle(op.handle);
        return Unmapped::Substitute;
    }
    if (mapping.state != MappingState::Mapped) {
        return Err{GrantStatus::GNTST_bad_handle};
    }
    if (op.dev_bus_addr != 0) {
        return Err{GrantStatus::GNTST_bad_dev_addr};
    }
    if (op.host_addr == 0) {
        return Unmapped::Nothing;  // Neither address given: nothing asked for, as on Xen.
    }
    if (to_gfn(GuestPaddr{op.host_addr}) != mapping.gfn) {
        return Err{GrantStatus::GNTST_bad_virt_addr};
    }
    remove_entry(mapper, mapping);
    mapping.state = MappingState::Unmapping;
    return Unmapped::Grant;
}

void finish_unmap(domain::Domain& mapper, uint32_t handle) {
    // Until it is free again, nobody else changes a mapping in this state but the granter's
    // teardown, and that leaves the granter.
    Mapping& mapping = mapper.grants->mappings()[handle];
    domain::Domain* granter = domain::find(mapping.granter);
    ASSERT(granter != nullptr);
    const domain::DomainLocks locks{mapper, *granter};
    if (mapping.state == MappingState::Unmapping) {
        release(*granter, mapping.ref, mapping.is_writable);
    }
    mapper.grants->free_handle(handle);
}

struct Use {
    GrantRef ref{};
    bool is_writable = false;
};
constexpr size_t revoked_at_a_time = 64;

// Takes up to a batch of the owner's frames out of the mapper's physmap, starting at `handle`.
void revoke_some(domain::Domain& mapper, domain::Domain& owner, uint32_t& handle,
                 MappingState end_state) {
    StaticVector<Use, revoked_at_a_time> uses;
    {
        const domain::DomainLocks locks{mapper, owner};
        const auto mappings = mapper.grants->mappings();
        for (; handle < mappings.size() && !uses.full(); ++handle) {
            Mapping& mapping = mappings[handle];
            const bool is_unmapping = mapping.state == MappingState::Unmapping;
            const bool is_live = is_unmapping || mapping.state == MappingState::Mapped;
            if (!is_live || mapping.granter != owner.id) {
                continue;
            }
            if (!is_unmapping && end_state == MappingState::Revoked) {
                put_substitute(mapper, mapping);
            } else if (!is_unmapping) {
                remove_entry(mapper, mapping);
            }
            ASSERT(uses.push({mapping.ref, mapping.is_writable}).ok());
            mapping.state = is_unmapping ? MappingState::Released : end_state;
            if (mapping.state == MappingState::Free) {
                mapper.grants->free_handle(handle);
            }
        }
    }
    if (uses.empty()) {
        return;
    }
    domain::flush_tlb(mapper);
    const domain::DomainLocks locks{mapper, owner};
    for (const Use& use : uses) {
        release(owner, use.ref, use.is_writable);
    }
}

void revoke_all(domain::Domain& mapper, domain::Domain& owner, MappingState end_state) {
    if (mapper.grants == nullptr || owner.grants == nullptr) {
        return;
    }
    for (uint32_t handle = 0; handle < mapper.grants->mappings().size();) {
        revoke_some(mapper, owner, handle, end_state);
    }
}

}  // namespace

void map(domain::PhysmapChange& change, domain::Domain& mapper, abi::GnttabMapGrantRef& op) {
    const auto allowed = check_flags(op.flags);
    const auto mapped = allowed.ok() ? try_map(change, mapper, op, std::nullopt)
                                     : Result<uint32_t, GrantStatus>{Err{allowed.error()}};
    op.status = static_cast<int16_t>(mapped.ok() ? GrantStatus::GNTST_okay : mapped.error());
    if (mapped.ok()) {
        op.handle = mapped.value();
        op.dev_bus_addr = 0;  // no device of a guest addresses the machine
    }
}

void map_in_window(domain::PhysmapChange& change, domain::Domain& mapper,
                   abi::GnttabMapGrantRef& op, Gfn window) {
    const auto mapped = try_map(change, mapper, op, window);
    op.status = static_cast<int16_t>(mapped.ok() ? GrantStatus::GNTST_okay : mapped.error());
    if (mapped.ok()) {
        op.handle = mapped.value();
        op.dev_bus_addr = to_gpaddr(window + op.handle).value();
    }
}

std::optional<Held> held(domain::Domain& mapper, uint32_t handle) {
    const LockGuard guard{mapper.lock};
    const auto mappings = mapper.grants->mappings();
    if (handle >= mappings.size()) {
        return std::nullopt;
    }
    const Mapping& mapping = mappings[handle];
    if (mapping.state != MappingState::Mapped && mapping.state != MappingState::Revoked) {
        return std::nullopt;
    }
    return Held{mapping.gfn, mapping.is_in_entry};
}

bool is_grant_at(domain::Domain& mapper, Gfn gfn) {
    return std::ranges::any_of(mapper.grants->mappings(), [gfn](const Mapping& mapping) {
        return mapping.state == MappingState::Mapped && mapping.gfn == gfn;
    });
}

void Unmapping::unmap(abi::GnttabUnmapGrantRef& op) {
    const auto started = start_unmap(mapper_, op);
    op.status = static_cast<int16_t>(started.ok() ? GrantStatus::GNTST_okay : started.error());
    if (!started.ok() || started.value() == Unmapped::Nothing) {
        return;
    }
    needs_flush_ = true;
    if (started.value() == Unmapped::Grant) {
        ASSERT(handles_.push(op.handle).ok());
    }
}

void Unmapping::finish() {
    if (!needs_flush_) {
        return;
    }
    needs_flush_ = false;
    domain::flush_tlb(mapper_);
    for (const uint32_t handle : handles_) {
        finish_unmap(mapper_, handle);
    }
    handles_.clear();
}

void release_all(domain::Domain& domain) {
    for (domain::Domain* other : domain::all()) {
        revoke_all(domain, *other, MappingState::Free);  // what it holds, its own grants included
        if (other != &domain) {
            revoke_all(*other, domain, MappingState::Revoked);
        }
    }
}

}  // namespace hv::grant
