// SPDX-License-Identifier: Apache-2.0
// The launch plan inside the hypervisor: the decoded graph over a private copy of the LCM, and
// where the loader put the modules it names.
#pragma once

#include "hv/abi/uart_frame.hpp"
#include "hv/base/address.hpp"
#include "launch-config/binding/launch_graph.hpp"

#include <array>
#include <cstddef>
#include <span>

namespace hv::hyperlaunch {

// Domain id of domB; no domain of a manifest may have it.
inline constexpr DomainId builder_id{0x7fe0};
static_assert((builder_id.value() & 0xff) == static_cast<uint8_t>(abi::UartSource::Builder));

struct Plan {
    launch::LaunchGraph graph;
    std::span<const std::byte> lcm;      // private copy, the only thing in its frames
    std::string_view effective_cmdline;  // what the hypervisor was started with
};

// The domain that starts, alone, when what is `required` cannot be measured; nullptr: nobody does.
inline const launch::Domain* unmeasured_domain(const Plan& plan) {
    for (const launch::Domain& d : plan.graph.domains) {
        if (d.start_unmeasured) {
            return &d;
        }
    }
    return nullptr;
}

}  // namespace hv::hyperlaunch
