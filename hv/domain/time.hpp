// SPDX-License-Identifier: Apache-2.0
// The paravirtual clock: what a guest needs to compute system time from its TSC, and the wall clock
// at boot. The TSC is not offset and every CPU's runs alike, so each is written once.
#pragma once

#include "hv/domain/domain.hpp"
#include "hv/domain/vcpu.hpp"

namespace hv::domain {

// Wall clock and every vcpu_time_info in shared_info.
void start_clock(Domain& domain);
// The time part of a vcpu_info that the guest has registered elsewhere.
void write_time(abi::VcpuInfo& info);

}  // namespace hv::domain
