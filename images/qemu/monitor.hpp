// SPDX-License-Identifier: Apache-2.0
// What QEMU's monitor says about a machine that stands still.
#pragma once

#include <filesystem>
#include <string>

namespace images {

// Where QEMU listens, in the directory that it runs in.
inline constexpr const char* monitor_socket = "monitor.sock";

// Stops the machine. The registers of every CPU, as QEMU prints them; empty if it does not answer
// soon.
std::string read_registers(const std::filesystem::path& socket);

}  // namespace images
