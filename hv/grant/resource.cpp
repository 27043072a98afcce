// SPDX-License-Identifier: Apache-2.0
#include "hv/grant/resource.hpp"

#include "hv/grant/grant_table.hpp"

#include <algorithm>

namespace hv::grant {

std::optional<Gfn> name_resource(domain::PhysmapChange& change, domain::Domain& domain,
                                 DomainId owner, Mfn frame, Gfn window) {
    const LockGuard guard{domain.lock};
    const auto mappings = domain.grants->mappings();
    const auto known = std::ranges::find_if(mappings, [&](const Mapping& m) {
        return m.state == MappingState::Resource && m.mfn == frame;
    });
    if (known != mappings.end()) {
        return known->gfn;
    }
    const auto handle = domain.grants->find_free_handle(owner);
    if (!handle || !change.map(window + *handle, frame, mm::Access::ReadWrite).ok()) {
        return std::nullopt;
    }
    const Gfn name = window + *handle;
    domain.grants->use_handle(
        *handle, {.gfn = name, .mfn = frame, .granter = owner, .state = MappingState::Resource});
    return name;
}

bool is_resource_of(domain::Domain& domain, DomainId owner, Gfn name) {
    const LockGuard guard{domain.lock};
    return std::ranges::any_of(domain.grants->mappings(), [&](const Mapping& m) {
        return m.state == MappingState::Resource && m.granter == owner && m.gfn == name;
    });
}

}  // namespace hv::grant
