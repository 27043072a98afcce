// SPDX-License-Identifier: Apache-2.0
// The launch hypercall's handler (hv/abi/launch_op.hpp), called by the hypercall table.
#pragma once

#include "hv/abi/xen_errno.hpp"
#include "hv/base/address.hpp"
#include "hv/base/result.hpp"
#include "hv/domain/vcpu.hpp"

#include <cstdint>

namespace hv::hyperlaunch {

// The answer in RAX, or why not. Checks itself that the caller is domB, or
// the launcher for its part.
Result<uint64_t, abi::Errno> handle_launch_op(domain::Vcpu& caller, uint64_t cmd,
                                              GuestVaddr argument);

}  // namespace hv::hyperlaunch
