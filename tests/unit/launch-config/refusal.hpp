// SPDX-License-Identifier: Apache-2.0
// What decode says of an LCM, as one line: "accepted", or node, property and reason. For tests.
#pragma once

#include "launch-config/binding/decode.hpp"

#include <cstddef>
#include <span>
#include <string>

namespace launch {

inline std::string refusal(std::span<const std::byte> lcm) {
    LaunchGraph graph;
    const auto decoded = decode(lcm, graph);
    if (decoded.ok()) {
        return "accepted";
    }
    const DecodeError& error = decoded.error();
    return std::string{error.path.view()} + " " + std::string{error.property.view()} + ": " +
           std::string{to_string(error.reason)};
}

inline const std::string wrong_form = ": has not the form that the binding gives it";

}  // namespace launch
