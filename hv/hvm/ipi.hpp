// SPDX-License-Identifier: Apache-2.0
// Interprocessor interrupts between the local APICs of one domain, and how INIT and STARTUP start a
// vCPU. [apm2] 16.5, 14.1.
#pragma once

#include "hv/domain/vcpu.hpp"
#include "hv/hvm/lapic.hpp"

namespace hv::hvm {

// Delivers what a write to the sender's ICR asked for.
void deliver(domain::Vcpu& sender, const Ipi& ipi);

// On the vCPU's own CPU before an entry: carries out an INIT or STARTUP that arrived.
void start_if_asked(domain::Vcpu& vcpu);

}  // namespace hv::hvm
