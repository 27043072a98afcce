// SPDX-License-Identifier: Apache-2.0
// What interrupts a guest: exceptions that the hypervisor raises in it, and the one external
// interrupt that is offered at a time. [apm2] 15.20, 15.21.
#pragma once

#include "hv/svm/vmcb.hpp"

#include <cstdint>

namespace hv::svm {

// Exceptions of [apm2] 8.2 that the hypervisor raises in a guest.
enum class Exception : uint8_t { DB = 1, UD = 6, GP = 13, PF = 14, AC = 17 };
void inject_exception(Vmcb& vmcb, Exception vector, uint32_t error_code = 0);

// Offers an external interrupt: taken by the guest as soon as it can. Replaces the last offer.
void offer_interrupt(Vmcb& vmcb, uint8_t vector);
void withdraw_interrupt(Vmcb& vmcb);
// Whether an offer is still waiting to be taken.
bool is_interrupt_waiting(const Vmcb& vmcb);

}  // namespace hv::svm
