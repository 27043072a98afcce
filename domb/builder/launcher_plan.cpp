// SPDX-License-Identifier: Apache-2.0
#include "domb/builder/launcher_plan.hpp"

#include "hv/base/assert.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace builder {
namespace {

using hv::abi::LauncherPlanDeviceKind;
using Entry = hv::abi::LauncherPlanEntry;

static_assert(launch::max_domains <= 32, "Entry::after has a bit for each");
static_assert(launch::max_disks + launch::max_nets + launch::max_channels <=
              hv::abi::launcher_plan_max_devices);

// The decoder has seen to it that every name is somebody's.
size_t index_of(const launch::LaunchGraph& graph, std::string_view name) {
    const auto found = std::ranges::find(graph.domains, name, &launch::Domain::name);
    ASSERT(found != graph.domains.end());
    return static_cast<size_t>(found - graph.domains.begin());
}

uint16_t holder_of(const launch::LaunchGraph& graph, launch::Role role) {
    const auto found = std::ranges::find_if(
        graph.domains, [role](const launch::Domain& d) { return d.roles.has(role); });
    return found == graph.domains.end() ? uint16_t{0} : found->domid.value();
}

// The fields are zero-filled.
template <size_t Size>
void put_text(char (&field)[Size], std::string_view text) {
    text.copy(field, Size);
}

// Ids as the initial tree of Xenstore has them (launch-config/xenstore).
void put_devices(const launch::LaunchGraph& graph, const launch::Domain& domain, Entry& entry) {
    const auto put = [&](LauncherPlanDeviceKind kind, size_t id, std::string_view backend) {
        entry.devices[entry.device_count++] = {
            .id = static_cast<uint32_t>(id),
            .backend = graph.domains[index_of(graph, backend)].domid.value(),
            .kind = kind,
            .pad = 0};
    };
    for (const launch::Disk& disk : domain.disks) {
        const auto number = launch::virtual_device(disk.vdev);
        ASSERT(number.has_value());
        put(LauncherPlanDeviceKind::vbd, *number, disk.backend);
    }
    for (size_t i = 0; i < domain.nets.size(); ++i) {
        put(LauncherPlanDeviceKind::vif, i, domain.nets[i].backend);
    }
    for (size_t i = 0; i < domain.channels.size(); ++i) {
        put(LauncherPlanDeviceKind::console, i + 1, domain.channels[i].backend);
    }
}

Entry entry_of(const launch::LaunchGraph& graph, const launch::Domain& domain) {
    Entry entry{};
    entry.domid = domain.domid.value();
    entry.is_held = domain.is_held() ? 1 : 0;
    entry.is_recovery = domain.roles.has(launch::Role::Recovery) ? 1 : 0;
    entry.is_service = domain.expected_end == launch::ExpectedEnd::Never ? 1 : 0;
    entry.ready_when = static_cast<uint8_t>(domain.ready.when);
    entry.on_failure = static_cast<uint8_t>(domain.on_failure);
    entry.on_crash = static_cast<uint8_t>(domain.on_crash);
    for (const std::string_view name : domain.after) {
        entry.after |= uint32_t{1} << index_of(graph, name);
    }
    entry.timeout_ms = domain.ready.timeout_ms;
    put_devices(graph, domain, entry);
    put_text(entry.name, domain.name);
    put_text(entry.path, domain.path);
    put_text(entry.ready_path, domain.ready.path);
    put_text(entry.ready_text, domain.ready.text);
    return entry;
}

}  // namespace

std::span<const std::byte> write_launcher_plan(const launch::LaunchGraph& graph,
                                               LauncherPlanBuffer& out) {
    const hv::abi::LauncherPlan head{.magic = hv::abi::launcher_plan_magic,
                                     .count = static_cast<uint32_t>(graph.domains.size()),
                                     .console = holder_of(graph, launch::Role::Console),
                                     .xenstore = holder_of(graph, launch::Role::Xenstore),
                                     .pad = 0};
    memcpy(out.data(), &head, sizeof(head));
    size_t used = sizeof(head);
    for (const launch::Domain& domain : graph.domains) {
        const Entry entry = entry_of(graph, domain);
        memcpy(out.data() + used, &entry, sizeof(entry));
        used += sizeof(entry);
    }
    return std::span{out}.first(used);
}

}  // namespace builder
