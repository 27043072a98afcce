// SPDX-License-Identifier: Apache-2.0
// Writes the launcher's start-info module (hv/abi/launcher_plan.hpp) from the launch graph.
#pragma once

#include "hv/abi/launcher_plan.hpp"
#include "launch-config/binding/launch_graph.hpp"

#include <array>
#include <cstddef>
#include <span>

namespace builder {

using LauncherPlanBuffer =
    std::array<std::byte, sizeof(hv::abi::LauncherPlan) +
                              launch::max_domains * sizeof(hv::abi::LauncherPlanEntry)>;

// The part of `out` that is used.
std::span<const std::byte> write_launcher_plan(const launch::LaunchGraph& graph,
                                               LauncherPlanBuffer& out);

}  // namespace builder
