// SPDX-License-Identifier: Apache-2.0
#include "domb/services/launcher/plan.hpp"

#include <cstring>

namespace launcher {
namespace {

bool is_form_right(std::span<const Entry> entries, Index index) {
    const Entry& entry = entries[index];
    const bool is_first = std::none_of(entries.data(), &entry,
                                       [&entry](const Entry& e) { return e.domid == entry.domid; });
    const bool is_device_right =
        entry.device_count <= hv::abi::launcher_plan_max_devices &&
        std::all_of(entry.devices, entry.devices + entry.device_count,
                    [](const LauncherPlanDevice& device) {
                        return device.kind <= LauncherPlanDeviceKind::console;
                    });
    const uint64_t others = ((uint64_t{1} << entries.size()) - 1) & ~(uint64_t{1} << index);
    return is_first && is_device_right && (entry.after & ~others) == 0 &&
           entry.ready_when <= static_cast<uint8_t>(launch::ReadyWhen::Console) &&
           entry.on_failure <= static_cast<uint8_t>(launch::Policy::Recovery) &&
           entry.on_crash <= static_cast<uint8_t>(launch::Policy::Recovery);
}

}  // namespace

const Entry* Plan::find(hv::DomainId domain) const {
    const auto* const found =
        std::find_if(entries.data(), entries.data() + entries.size(),
                     [domain](const Entry& entry) { return hv::DomainId{entry.domid} == domain; });
    return found == entries.data() + entries.size() ? nullptr : found;
}

std::optional<Plan> read_plan(std::span<const std::byte> bytes) {
    hv::abi::LauncherPlan head{};
    if (bytes.size() < sizeof(head)) {
        return std::nullopt;
    }
    memcpy(&head, bytes.data(), sizeof(head));
    if (head.magic != hv::abi::launcher_plan_magic || head.count > max_entries ||
        bytes.size() != sizeof(head) + head.count * sizeof(Entry)) {
        return std::nullopt;
    }
    // SAFETY: that many entries follow, aligned as the caller says, and nobody changes them.
    const std::span entries{reinterpret_cast<const Entry*>(bytes.data() + sizeof(head)),
                            head.count};
    for (Index i = 0; i < head.count; ++i) {
        if (!is_form_right(entries, i)) {
            return std::nullopt;
        }
    }
    return Plan{.console = hv::DomainId{head.console},
                .xenstore = hv::DomainId{head.xenstore},
                .entries = entries};
}

}  // namespace launcher
