// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/hv/sched/sched_machine.hpp"

namespace hv::sched {
uint64_t now_ns() {
    return sched_machine.now_ns.load(std::memory_order_relaxed);
}
void kick_cpu(CpuId cpu) {
    ++sched_machine.kicks[cpu.value()];
}
}  // namespace hv::sched

namespace hv::domain {
Vcpu& current() {
    return *sched_machine.current;
}
}  // namespace hv::domain
