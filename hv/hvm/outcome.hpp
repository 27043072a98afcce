// SPDX-License-Identifier: Apache-2.0
// How handling an exit ends: behind the instruction, or with the domain's end.
#pragma once

#include "hv/domain/domain.hpp"
#include "hv/domain/vcpu.hpp"

#include <string_view>

namespace hv::hvm {

// Behind an emulated instruction: moves RIP, ends the interrupt shadow, and raises the #DB of a
// single step.
void skip(domain::Vcpu& vcpu, uint64_t length);
void go_on_at(domain::Vcpu& vcpu, uint64_t rip);

// Ends the domain and logs why, with the vCPU's registers.
void end_with_registers(domain::Vcpu& vcpu, domain::End how, std::string_view why);
// The same for what nobody can carry out.
void kill(domain::Vcpu& vcpu, std::string_view why);

}  // namespace hv::hvm
