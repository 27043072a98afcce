// SPDX-License-Identifier: Apache-2.0
#include "hv/hvm/lapic_effect.hpp"

#include "hv/hvm/ipi.hpp"
#include "hv/sched/sched.hpp"

namespace hv::hvm {

void apply(domain::Vcpu& v, const LapicEffect& effect) {
    if (effect.ipi) {
        deliver(v, *effect.ipi);
    }
    if (effect.timer_changed) {
        sched::set_lapic_timer(v, v.lapic->deadline_ns().value_or(0));
    }
    // Nobody waits for level_eoi_vector: PVH domains have no IO-APIC.
}

}  // namespace hv::hvm
