// SPDX-License-Identifier: Apache-2.0
#include "hv/grant/grant_table.hpp"

#include "hv/base/assert.hpp"
#include "hv/mm/direct_map.hpp"

#include <algorithm>

namespace hv::grant {

void GrantTable::init(const Memory& memory) {
    ASSERT(memory.frame_count > 0);
    ASSERT(memory.active.size() == size_t{memory.frame_count} * entries_per_frame);
    memory_ = memory;
    used_frames_ = 1;
    std::fill(memory_.active.begin(), memory_.active.end(), ActiveGrant{});
    std::fill(memory_.mappings.begin(), memory_.mappings.end(), Mapping{});
    budget_.init(memory_.mappings.size());
}

std::optional<Mfn> GrantTable::frame(uint64_t index) {
    if (index >= memory_.frame_count) {
        return std::nullopt;
    }
    used_frames_ = std::max(used_frames_, static_cast<uint32_t>(index) + 1);
    return memory_.first_frame + index;
}

abi::GrantEntryV1& GrantTable::entry(GrantRef ref) const {
    ASSERT(ref.value() < entry_count());
    const Paddr at{to_paddr(memory_.first_frame).value() + ref.value() * sizeof(abi::GrantEntryV1)};
    return *mm::direct_map_as<abi::GrantEntryV1>(at);
}

std::optional<uint32_t> GrantTable::find_free_handle(DomainId granter) {
    if (!budget_.has_room(granter)) {
        return std::nullopt;
    }
    const auto count = static_cast<uint32_t>(memory_.mappings.size());
    for (uint32_t n = 0; n < count; ++n) {
        const uint32_t handle = (next_handle_ + n) % count;
        if (memory_.mappings[handle].state == MappingState::Free) {
            next_handle_ = (handle + 1) % count;
            return handle;
        }
    }
    return std::nullopt;
}

void GrantTable::use_handle(uint32_t handle, const Mapping& mapping) {
    memory_.mappings[handle] = mapping;
    memory_.mappings[handle].is_of_share = budget_.take(mapping.granter);
}

void GrantTable::free_handle(uint32_t handle) {
    Mapping& mapping = memory_.mappings[handle];
    budget_.give_back(mapping.granter, mapping.is_of_share);
    mapping = {};
}

void seed(domain::Domain& domain, GrantRef ref, DomainId to, Gfn gfn) {
    const LockGuard guard{domain.lock};
    domain.grants->entry(ref) = {.flags = abi::GTF_permit_access,
                                 .domid = to.value(),
                                 .frame = static_cast<uint32_t>(gfn.value())};
}

}  // namespace hv::grant
