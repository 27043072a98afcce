// SPDX-License-Identifier: Apache-2.0
// encode: the LCM of a launch graph, in the one dialect that we emit (binding/binding.md). The
// result depends on the graph alone; decode of it gives the same graph. Host only.
#pragma once

#include "launch-config/binding/launch_graph.hpp"

#include <cstddef>
#include <vector>

namespace launch {

// Throws std::length_error if the tree would exceed max_lcm_bytes; no valid plan does.
std::vector<std::byte> encode(const LaunchGraph& graph);

}  // namespace launch
