// SPDX-License-Identifier: Apache-2.0
// The tree with which the Xenstore service of a launch starts: what the toolstack of a Xen system
// has written when it has made the same domains. launch-config/xenstore/README.md says what is in
// it. A function of the launch graph alone, so it can be foretold and measured.
#pragma once

#include "launch-config/binding/launch_graph.hpp"
#include "launch-config/xenstore/tree.hpp"

namespace launch::xenstore {

// Every domain of the graph has its number, and back ends are domains of it, as decode ensures.
Tree initial_tree(const LaunchGraph& graph);

}  // namespace launch::xenstore
