// SPDX-License-Identifier: Apache-2.0
#include "domb/builder/console_plan.hpp"

#include <cstring>

namespace builder {

std::span<const std::byte> write_console_plan(const launch::LaunchGraph& graph,
                                              ConsolePlanBuffer& out) {
    hv::abi::ConsolePlan plan{.magic = hv::abi::console_plan_magic, .count = 0};
    size_t used = sizeof(plan);
    for (const launch::Domain& domain : graph.domains) {
        if (domain.roles.has(launch::Role::Console)) {
            continue;  // its own text goes straight to the hypervisor
        }
        const hv::abi::ConsolePlanEntry entry{
            .domid = domain.domid.value(),
            .pad = 0,
            .local_port = hv::abi::console_first_port + plan.count};
        memcpy(out.data() + used, &entry, sizeof(entry));
        used += sizeof(entry);
        ++plan.count;
    }
    memcpy(out.data(), &plan, sizeof(plan));
    return std::span{out}.first(used);
}

}  // namespace builder
