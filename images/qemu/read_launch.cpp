// SPDX-License-Identifier: Apache-2.0
#include "images/qemu/read_launch.hpp"

#include "launch-config/binding/decode.hpp"

#include <fstream>
#include <iterator>
#include <span>

namespace images {

Launch read_launch(const BootSet& set) {
    Launch launch;
    if (set.modules.empty()) {
        return launch;
    }
    std::ifstream file{set.modules.front(), std::ios::binary};
    launch.lcm.assign(std::istreambuf_iterator<char>{file}, {});
    auto graph = std::make_unique<::launch::LaunchGraph>();  // too large for a stack
    if (::launch::decode(std::as_bytes(std::span{launch.lcm}), *graph).ok()) {
        launch.graph = std::move(graph);
    }
    return launch;
}

}  // namespace images
