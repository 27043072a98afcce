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

// Whether an event comes with the next entry.
bool is_event_injected(const Vmcb& vmcb);

// Whether the next instruction is to be executed without interruption: STI or MOV SS was before it.
// QEMU 7.2 does not look at that when a guest is entered, and takes an interrupt before it.
bool is_in_shadow(const Vmcb& vmcb);
void set_shadow(Vmcb& vmcb);

// Offers an external interrupt: taken by the guest as soon as it can. Replaces the last offer.
// While it waits MOV to CR8 must not be executed: QEMU 7.2 and 10.0 would end with a failed
// assertion. On 7.2, as on a processor, that move always exits (container.cpp); 10.0 looks at the
// intercept of CR0 instead, for all control registers, so that is on as long as an offer may wait.
void offer_interrupt(Vmcb& vmcb, uint8_t vector);
void withdraw_interrupt(Vmcb& vmcb);
// None is offered, but MOV to CR8 has to exit, because it is what one waits for.
void await_task_priority(Vmcb& vmcb);
// Whether an offer is still waiting to be taken.
bool is_interrupt_waiting(const Vmcb& vmcb);

// What CR8 is when the guest is entered.
void set_task_priority(Vmcb& vmcb, uint8_t cr8);

}  // namespace hv::svm
