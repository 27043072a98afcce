// SPDX-License-Identifier: Apache-2.0
// Both ends of a domain's PV devices, waiting for their drivers in state Initialising, and the copy
// that stock tools look at. Written by initial_tree.
#pragma once

#include "launch-config/binding/launch_graph.hpp"
#include "launch-config/xenstore/tree.hpp"

#include <string>
#include <vector>

namespace launch::xenstore {

// Its first console, which has no states: ring and port are there from the start.
void write_console(Tree& tree, const Domain& domain, const Domain& backend);
void write_devices(Tree& tree, const LaunchGraph& graph, const Domain& domain);

// Where the back ends of a domain's devices say how far they are.
struct BackendState {
    const Domain* backend;  // whose node it is
    std::string path;
};
std::vector<BackendState> backend_states(const LaunchGraph& graph, const Domain& domain);

}  // namespace launch::xenstore
