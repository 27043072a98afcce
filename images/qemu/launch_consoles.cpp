// SPDX-License-Identifier: Apache-2.0
#include "images/qemu/launch_consoles.hpp"

#include "images/qemu/read_launch.hpp"

namespace images {

std::vector<LaunchConsole> read_launch_consoles(const BootSet& set) {
    std::vector<LaunchConsole> consoles;
    const Launch launch = read_launch(set);
    if (launch.graph == nullptr) {
        return consoles;
    }
    for (const ::launch::Domain& domain : launch.graph->domains) {
        const auto source = static_cast<uint8_t>(domain.domid.value());
        const std::string name{domain.name};
        consoles.push_back({.stream = {source, 0}, .domain = name, .channel = {}});
        for (size_t i = 0; i < domain.channels.size(); ++i) {
            consoles.push_back({.stream = {source, static_cast<uint8_t>(i + 1)},
                                .domain = name,
                                .channel = std::string{domain.channels[i].name},
                                .end = domain.channels[i].end});
        }
    }
    return consoles;
}

}  // namespace images
