// SPDX-License-Identifier: Apache-2.0
// What consoles and channels a launch has, read from its LCM: for those who offer them.
#pragma once

#include "images/console/frame_splitter.hpp"
#include "images/qemu/boot_set.hpp"
#include "launch-config/binding/devices.hpp"

#include <string>
#include <vector>

namespace images {

struct LaunchConsole {
    UartStream stream;    // its channel is 0 for the domain's console
    std::string domain;   // names
    std::string channel;  // empty for the console
    launch::ChannelEnd end = launch::ChannelEnd::Pty;
};

// Empty if the LCM cannot be read: QEMU or hv will say so.
std::vector<LaunchConsole> read_launch_consoles(const BootSet& set);

}  // namespace images
