// SPDX-License-Identifier: Apache-2.0
// What a container's exit means. Each reason is carried out by its own file; a guest that does what
// nobody can carry out is ended, with its registers in the log.
#pragma once

#include "hv/domain/vcpu.hpp"

#include <string_view>

namespace hv::hvm {

void handle_exit(domain::Vcpu& vcpu);

// Behind an emulated instruction: moves RIP, ends the interrupt shadow.
void skip(domain::Vcpu& vcpu, uint64_t length);

// Ends the domain and logs why, with the vCPU's registers.
void kill(domain::Vcpu& vcpu, std::string_view why);

}  // namespace hv::hvm
