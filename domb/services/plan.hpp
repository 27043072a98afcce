// SPDX-License-Identifier: Apache-2.0
// Whom a service serves, as domB has left it.
#pragma once

#include "domb/rt/start_info.hpp"
#include "hv/abi/service_plan.hpp"

#include <span>

namespace service {

inline constexpr size_t max_served = 64;  // more than domains in a launch graph

// Ends the domain if the last module is no plan with this magic: an initrd may stand before it.
std::span<const hv::abi::ServicePlanEntry> find_plan(const rt::StartInfo& info, uint32_t magic);

// What follows the entries of the plan that find_plan has found.
std::span<const std::byte> rest_of_plan(const rt::StartInfo& info);

}  // namespace service
