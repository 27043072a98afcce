// SPDX-License-Identifier: Apache-2.0
// Exit of RDMSR and WRMSR: answers by the MSR policy, carries out what a write asks for.
#pragma once

#include "hv/domain/vcpu.hpp"

namespace hv::hvm {

void handle_msr(domain::Vcpu& vcpu);

}  // namespace hv::hvm
