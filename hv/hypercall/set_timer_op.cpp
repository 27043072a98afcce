// SPDX-License-Identifier: Apache-2.0
// set_timer_op(deadline): the vCPU's one-shot timer, in system time; 0 stops it. The kernels' way
// before VCPUOP_set_singleshot_timer; both set the same timer.
#include "hv/hypercall/handlers.hpp"
#include "hv/sched/sched.hpp"

namespace hv::hypercall {

Answer set_timer_op(Call& call) {
    sched::set_singleshot_timer(call.vcpu, call.args[0]);
    return 0;
}

}  // namespace hv::hypercall
