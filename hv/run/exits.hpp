// SPDX-License-Identifier: Apache-2.0
// What a container's exit means. Each reason is carried out by its own file (hv/hvm,
// hv/hypercall); a guest that does what nobody can carry out is ended.
#pragma once

#include "hv/domain/vcpu.hpp"

namespace hv::run {

void handle_exit(domain::Vcpu& vcpu);

}  // namespace hv::run
