// SPDX-License-Identifier: Apache-2.0
// What the launcher reads and writes in the tree: nothing but what some domain's `ready` names, and
// the reason that the recovery domain finds.
#pragma once

#include "launch-config/binding/launch_graph.hpp"
#include "launch-config/xenstore/tree.hpp"

namespace launch::xenstore {

// All devices are in the tree. Does nothing without a launcher.
void write_order(Tree& tree, const LaunchGraph& graph);

}  // namespace launch::xenstore
