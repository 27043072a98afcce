// SPDX-License-Identifier: Apache-2.0
// Carries out what a write to a local APIC asked of its surroundings.
#pragma once

#include "hv/domain/vcpu.hpp"
#include "hv/hvm/lapic.hpp"

namespace hv::hvm {

void apply(domain::Vcpu& vcpu, const LapicEffect& effect);

}  // namespace hv::hvm
