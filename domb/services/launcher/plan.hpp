// SPDX-License-Identifier: Apache-2.0
// The launcher's plan as its own parts use it. domB wrote it, so it is believed once its form is
// right; find_plan is a caller's one step from the module's bytes to entries.
#pragma once

#include "hv/abi/launcher_plan.hpp"
#include "hv/base/address.hpp"
#include "launch-config/binding/launch_graph.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace launcher {

using hv::abi::LauncherPlanDevice;
using hv::abi::LauncherPlanDeviceKind;
using Entry = hv::abi::LauncherPlanEntry;

inline constexpr size_t max_entries = launch::max_domains;

// An entry's number in the plan: `after` counts them so.
using Index = uint32_t;

struct Plan {
    hv::DomainId console{};   // 0: nobody
    hv::DomainId xenstore{};  // 0: nobody
    std::span<const Entry> entries{};

    [[nodiscard]] const Entry* find(hv::DomainId domain) const;
};

// Nothing if the bytes, which are aligned as entries are, do not have the form of a plan.
std::optional<Plan> read_plan(std::span<const std::byte> bytes);

// A text of the plan: up to its NUL, or all of it.
template <size_t Size>
std::string_view text_of(const char (&field)[Size]) {
    return {field, static_cast<size_t>(std::find(field, field + Size, '\0') - field)};
}

inline launch::ReadyWhen ready_when(const Entry& entry) {
    return static_cast<launch::ReadyWhen>(entry.ready_when);
}

}  // namespace launcher
