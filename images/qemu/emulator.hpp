// SPDX-License-Identifier: Apache-2.0
// Which QEMU a program is. Asked before a machine is started, so that a wrong path is told from a
// machine that goes wrong.
#pragma once

#include "images/qemu/failure.hpp"

#include <string>

namespace images {

// "QEMU 7.2.22 (...)", of the program at this path or in PATH. Gives up when `stop` can be read.
Outcome<std::string> name_emulator(const std::string& qemu, int stop);

}  // namespace images
