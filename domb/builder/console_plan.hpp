// SPDX-License-Identifier: Apache-2.0
// Writes the start-info module of the console service (hv/abi/console_plan.hpp).
#pragma once

#include "hv/abi/console_plan.hpp"
#include "launch-config/binding/launch_graph.hpp"

#include <array>
#include <cstddef>
#include <span>

namespace builder {

using ConsolePlanBuffer =
    std::array<std::byte, sizeof(hv::abi::ConsolePlan) +
                              launch::max_domains * sizeof(hv::abi::ConsolePlanEntry)>;

// The part of `out` that is used.
std::span<const std::byte> write_console_plan(const launch::LaunchGraph& graph,
                                              ConsolePlanBuffer& out);

}  // namespace builder
