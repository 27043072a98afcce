// SPDX-License-Identifier: Apache-2.0
// The output directory of `gantry build` (ARCHITECTURE.md, contracts): the same plan always gives
// the same bytes.
#pragma once

#include "launch-config/model/assemble.hpp"

namespace launch::model {

// File names relative to the directory, in module order: "launch.lcm", "modules/01-domb", …
std::vector<std::string> module_files(const Plan& plan);

// Writes the files and boot.json, removes modules of an earlier build. `extra` are further files by
// name. Throws std::filesystem::filesystem_error when the directory cannot be written.
void write_output(const std::filesystem::path& directory, const Plan& plan, const Bytes& hypervisor,
                  const std::vector<Module>& extra);

}  // namespace launch::model
