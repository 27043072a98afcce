// SPDX-License-Identifier: Apache-2.0
// Use of one grant entry: what a mapping lasts for, or a copy. Checks the entry against its user
// and shows the use in the entry's flags, as the ABI demands, so that the granter does not end the
// grant meanwhile. [xen-pub] grant_table.h.
#pragma once

#include "hv/abi/xen_grant_table.hpp"
#include "hv/base/address.hpp"
#include "hv/base/result.hpp"
#include "hv/domain/domain.hpp"

namespace hv::grant {

using abi::GrantStatus;

// The frame behind the entry, pinned until release(). With the granter's lock held.
Result<Mfn, GrantStatus> acquire(domain::Domain& granter, GrantRef ref, DomainId user, bool write);
void release(domain::Domain& granter, GrantRef ref, bool write);

}  // namespace hv::grant
