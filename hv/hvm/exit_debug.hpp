// SPDX-License-Identifier: Apache-2.0
// Exit of MOV to a debug register; hv/svm/debug_registers.hpp has which of them exit, and why.
#pragma once

#include "hv/domain/vcpu.hpp"

namespace hv::hvm {

void handle_debug_write(domain::Vcpu& vcpu);

}  // namespace hv::hvm
