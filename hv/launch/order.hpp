// SPDX-License-Identifier: Apache-2.0
// Who starts when, and what became of whom (ARCHITECTURE.md, "Order, failure, recovery"). The
// launch starts every domain that is not held; the launcher decides about the others, by two
// domctls and the launch hypercall, which check that it is the launcher who calls.
#pragma once

#include "hv/abi/launch_op.hpp"
#include "hv/abi/xen_errno.hpp"
#include "hv/base/address.hpp"
#include "hv/base/result.hpp"
#include "hv/domain/domain.hpp"

#include <string_view>

namespace hv::hyperlaunch {

// The first vCPU of a domain that is built runs from now on. With its lock held.
void start(domain::Domain& domain);

// The same for the only domain of a launch that should have been measured and is not. It gets
// neither roles nor peers, and knows why.
void start_unmeasured(domain::Domain& domain);

// XEN_DOMCTL_unpausedomain: a held domain, but never the recovery domain.
Result<void, abi::Errno> start_held(DomainId id);

// XEN_DOMCTL_destroydomain: ends a domain, or decides that a held one never starts.
Result<void, abi::Errno> stop(const domain::Domain& caller, DomainId id);

// LaunchOp::GetFate.
Result<abi::LaunchFate, abi::Errno> fate_of(uint32_t domid);

// LaunchOp::Recover.
Result<void, abi::Errno> start_recovery(std::string_view reason);

}  // namespace hv::hyperlaunch
