// SPDX-License-Identifier: Apache-2.0
// Frames of another domain's grant table that a PV domain has asked for (XENMEM_acquire_resource):
// each takes one of its handles for good, which is its name in the window of grants. There is no
// operation that ends this, as on Xen, and no handle is taken twice for a frame.
#pragma once

#include "hv/base/address.hpp"
#include "hv/domain/domain.hpp"
#include "hv/domain/physmap.hpp"

#include <optional>

namespace hv::grant {

// Handle n stands for window + n. The frame is hv's, and belongs to `owner` until the machine ends.
// Nothing if all of the domain's handles are in use, or its page-table pool is used up.
std::optional<Gfn> name_resource(domain::PhysmapChange& change, domain::Domain& domain,
                                 DomainId owner, Mfn frame, Gfn window);

// Whether the name is one of those, for a frame of that owner.
bool is_resource_of(domain::Domain& domain, DomainId owner, Gfn name);

}  // namespace hv::grant
