// SPDX-License-Identifier: Apache-2.0
// Writes the start-info modules of the services (hv/abi/service_plan.hpp).
#pragma once

#include "hv/abi/service_plan.hpp"
#include "launch-config/binding/launch_graph.hpp"

#include <array>
#include <cstddef>
#include <span>

namespace builder {

using ServicePlanBuffer =
    std::array<std::byte, sizeof(hv::abi::ServicePlan) + sizeof(hv::abi::ConsolePatterns) +
                              launch::max_domains*(sizeof(hv::abi::ServicePlanEntry) +
                                                   sizeof(hv::abi::ConsolePattern))>;

// Whether another domain has the role (Console or Xenstore), and so serves this one.
bool is_served(const launch::LaunchGraph& graph, launch::Role role, const launch::Domain& domain);

// The part of `out` that is used: whom the domain with that role serves; and, for the console
// service, by which lines domains are ready.
std::span<const std::byte> write_service_plan(const launch::LaunchGraph& graph, launch::Role role,
                                              ServicePlanBuffer& out);

}  // namespace builder
