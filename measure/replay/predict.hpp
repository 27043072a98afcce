// SPDX-License-Identifier: Apache-2.0
// Prediction: what a launch will log and which PCR values it leaves, from the launch graph and the
// bytes of the boot modules, in every bank. `gantry build` writes it as reference.json, `gantry
// verify` compares evidence with it.
#pragma once

#include "launch-config/binding/launch_graph.hpp"
#include "measure/replay/reference.hpp"

#include <cstddef>
#include <span>

namespace measure {

struct PredictionInput {
    const launch::LaunchGraph& graph;
    // Bytes of every boot module by index: 0 is the LCM, 1 the builder.
    std::span<const std::span<const std::byte>> modules;
    bool mirror = true;  // whether locality 2 of the machine's TPM works
};

// Every module index in the graph must be within `modules`.
ReferenceValues predict(const PredictionInput& input);

}  // namespace measure
