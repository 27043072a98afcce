// SPDX-License-Identifier: Apache-2.0
// How many grants of its front ends a domain may have to hold at a time: what Linux's back ends use
// for the devices of the plan. Each front end's are set apart for it, so that one that makes its
// back end hold all it can takes nothing from the others.
#pragma once

#include "hv/grant/handle_budget.hpp"
#include "launch-config/binding/launch_graph.hpp"

#include <cstdint>

namespace hv::hyperlaunch {

// Of one front end.
uint64_t served_grants(const launch::Domain& front, const launch::Domain& back);
// Of all of them.
uint64_t served_grants(const launch::LaunchGraph& graph, const launch::Domain& back);
void set_grants_apart(const launch::LaunchGraph& graph, const launch::Domain& back,
                      grant::HandleBudget& budget);

}  // namespace hv::hyperlaunch
