// SPDX-License-Identifier: Apache-2.0
// What interrupts a vCPU: the event-channel upcall and the local APIC. Decides what is offered to
// the processor before each entry and notes afterwards what was taken.
#pragma once

#include "hv/domain/vcpu.hpp"

namespace hv::hvm {

// Anything that wakes the vCPU from what it asked for: HLT, SCHEDOP_block, HLT without interrupts.
[[nodiscard]] bool has_pending(const domain::Vcpu& vcpu);

// Before the CPU's timer is armed: if the APIC timer's deadline came, while the vCPU was here,
// elsewhere or nowhere, its interrupt becomes pending and a periodic timer its next deadline.
void expire_timer(domain::Vcpu& vcpu);

// Exit of the IRET that ends an NMI's handler; it is still to be executed.
void note_nmi_return(domain::Vcpu& vcpu);
// INIT: what was going on has never been.
void forget_nmis(domain::Vcpu& vcpu);

// The guest executes a move to a control register, which exits while something is offered to it:
// the next entry offers nothing, and soon there is another.
void let_move_to_control(domain::Vcpu& vcpu);

// Before the CPU's timer is armed: there are instructions that the vCPU has to execute first,
// before it is offered what is pending; then it is to leave its guest soon.
void look_again_if_due(domain::Vcpu& vcpu);

// Before an entry: offers the most urgent interrupt, or none.
void offer(domain::Vcpu& vcpu);
// After an exit: an offered interrupt that was taken is in service; an event whose delivery the
// exit cut short is delivered again.
void settle(domain::Vcpu& vcpu);

}  // namespace hv::hvm
