// SPDX-License-Identifier: Apache-2.0
// The handlers of the table, one file each. Every one checks its own arguments and the caller's
// rights. hv/abi/README.md says what each offers and where it differs from Xen.
#pragma once

#include "hv/hypercall/call.hpp"

namespace hv::hypercall {

Answer console_io(Call& call);
Answer event_channel_op(Call& call);
Answer grant_table_op(Call& call);
Answer hvm_op(Call& call);
Answer memory_op(Call& call);
Answer multicall(Call& call);
Answer sched_op(Call& call);
Answer set_timer_op(Call& call);
Answer vcpu_op(Call& call);
Answer xen_version(Call& call);

}  // namespace hv::hypercall
