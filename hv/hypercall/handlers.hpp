// SPDX-License-Identifier: Apache-2.0
// The handlers of the table, one file each. Every one checks its own arguments and the caller's
// rights. hv/abi/README.md says what each offers and where it differs from Xen.
#pragma once

#include "hv/hypercall/call.hpp"

namespace hv::hypercall {

Answer console_io(Call& call);
Answer domctl(Call& call);
Answer event_channel_op(Call& call);
Answer grant_table_op(Call& call);
Answer hvm_op(Call& call);
Answer memory_op(Call& call);
Answer multicall(Call& call);
Answer sched_op(Call& call);
Answer set_timer_op(Call& call);
Answer vcpu_op(Call& call);
Answer xen_version(Call& call);

// Of PV domains only.
Answer callback_op(Call& call);
Answer fpu_taskswitch(Call& call);
Answer get_debugreg(Call& call);
Answer mmu_update(Call& call);
Answer mmuext_op(Call& call);
Answer nmi_op(Call& call);
Answer physdev_op(Call& call);
Answer set_callbacks(Call& call);
Answer set_debugreg(Call& call);
Answer set_gdt(Call& call);
Answer set_segment_base(Call& call);
Answer set_trap_table(Call& call);
Answer stack_switch(Call& call);
Answer update_descriptor(Call& call);
Answer update_va_mapping(Call& call);
Answer update_va_mapping_otherdomain(Call& call);
Answer vm_assist(Call& call);

}  // namespace hv::hypercall
