// SPDX-License-Identifier: Apache-2.0
// GNTTABOP_copy: the hypervisor copies between two pages, each the caller's own or granted to it.
#pragma once

#include "hv/abi/xen_grant_table.hpp"
#include "hv/domain/domain.hpp"

namespace hv::grant {

abi::GrantStatus copy(domain::Domain& caller, const abi::GnttabCopy& op);

}  // namespace hv::grant
