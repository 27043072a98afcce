// SPDX-License-Identifier: Apache-2.0
// The launch graph of what was built, decoded from its LCM.
#pragma once

#include "images/qemu/boot_set.hpp"
#include "launch-config/binding/launch_graph.hpp"

#include <memory>
#include <string>

namespace images {

struct Launch {
    std::string lcm;  // what the graph's names are views of
    std::unique_ptr<launch::LaunchGraph>
        graph{};  // null if the LCM cannot be read: hv will say why
};

Launch read_launch(const BootSet& set);

}  // namespace images
