// SPDX-License-Identifier: Apache-2.0
// Exit of MOV to CR8, and of what else the emulated machine reports with it: hv/svm/events.hpp.
#pragma once

#include "hv/domain/vcpu.hpp"

namespace hv::hvm {

void handle_control_write(domain::Vcpu& vcpu);

}  // namespace hv::hvm
