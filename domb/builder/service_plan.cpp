// SPDX-License-Identifier: Apache-2.0
#include "domb/builder/service_plan.hpp"

#include "hv/base/assert.hpp"

#include <algorithm>
#include <cstring>

namespace builder {

static_assert(hv::abi::console_first_port + launch::max_domains <= hv::abi::xenstore_first_port);

bool is_served(const launch::LaunchGraph& graph, launch::Role role, const launch::Domain& domain) {
    return !domain.roles.has(role) &&
           std::ranges::any_of(graph.domains,
                               [role](const launch::Domain& d) { return d.roles.has(role); });
}

namespace {

// How many bytes it writes.
size_t write_patterns(const launch::LaunchGraph& graph, std::span<std::byte> out) {
    hv::abi::ConsolePatterns patterns{.count = 0};
    size_t used = sizeof(patterns);
    for (const launch::Domain& domain : graph.domains) {
        if (domain.ready.when != launch::ReadyWhen::Console) {
            continue;
        }
        hv::abi::ConsolePattern pattern{.domid = domain.domid.value(), .bytes = 0, .text = {}};
        pattern.bytes = static_cast<uint16_t>(
            domain.ready.text.copy(pattern.text, launch::max_ready_text_bytes));
        memcpy(out.data() + used, &pattern, sizeof(pattern));
        used += sizeof(pattern);
        ++patterns.count;
    }
    memcpy(out.data(), &patterns, sizeof(patterns));
    return patterns.count == 0 ? 0 : used;
}

}  // namespace

std::span<const std::byte> write_service_plan(const launch::LaunchGraph& graph, launch::Role role,
                                              ServicePlanBuffer& out) {
    const bool is_console = role == launch::Role::Console;
    ASSERT(is_console || role == launch::Role::Xenstore);
    const uint32_t first_port =
        is_console ? hv::abi::console_first_port : hv::abi::xenstore_first_port;
    hv::abi::ServicePlan plan{
        .magic = is_console ? hv::abi::console_plan_magic : hv::abi::xenstore_plan_magic,
        .count = 0};
    size_t used = sizeof(plan);
    for (const launch::Domain& domain : graph.domains) {
        if (!is_served(graph, role, domain)) {
            continue;
        }
        const hv::abi::ServicePlanEntry entry{
            .domid = domain.domid.value(), .pad = 0, .local_port = first_port + plan.count};
        memcpy(out.data() + used, &entry, sizeof(entry));
        used += sizeof(entry);
        ++plan.count;
    }
    memcpy(out.data(), &plan, sizeof(plan));
    if (is_console) {
        used += write_patterns(graph, std::span{out}.subspan(used));
    }
    return std::span{out}.first(used);
}

}  // namespace builder
