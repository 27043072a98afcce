// SPDX-License-Identifier: Apache-2.0
// Exit of CPUID: answers by the domain's policy.
#pragma once

#include "hv/domain/vcpu.hpp"

namespace hv::hvm {

void handle_cpuid(domain::Vcpu& vcpu);

}  // namespace hv::hvm
