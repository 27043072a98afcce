// SPDX-License-Identifier: Apache-2.0
// Accesses to guest physical memory that nothing backs: the local APIC's page in xAPIC mode;
// everywhere else reads give all ones and writes are dropped, as on a bus without a device.
#pragma once

#include "hv/domain/vcpu.hpp"

namespace hv::hvm {

// A nested page fault at `address`; error code as in EXITINFO1, [apm2] 15.25.6.
void handle_nested_page_fault(domain::Vcpu& vcpu, GuestPaddr address, uint64_t error);

}  // namespace hv::hvm
