// SPDX-License-Identifier: Apache-2.0
// The boot CPU runs no vCPU. A program of its own: it stays so.
#include "tests/unit/hv/sched/sched_machine.hpp"

namespace {

namespace sched = hv::sched;

using Spare = SchedTest;

TEST_F(Spare, boot_cpu_is_never_told_and_gets_nothing) {
    sched::spare_boot_cpu();
    EXPECT_EQ(sched::pick(cpu0), nullptr);
    EXPECT_EQ(sched::pick(cpu1), nullptr);
    Vcpu& first = add_online();
    EXPECT_EQ(kicks(cpu0), 0U) << "it does not count as idle";
    EXPECT_EQ(kicks(cpu1), 1U);
    EXPECT_EQ(sched::pick(cpu0), nullptr);
    EXPECT_EQ(sched::pick(cpu1), &first);
    // With no CPU idle, one that runs vCPUs is told that another one waits.
    Vcpu& second = add_online();
    EXPECT_EQ(kicks(cpu0), 0U);
    EXPECT_EQ(kicks(cpu1), 2U);
    block(first);
    EXPECT_EQ(sched::pick(cpu1), &second);
}

}  // namespace
