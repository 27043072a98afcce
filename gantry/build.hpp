// SPDX-License-Identifier: Apache-2.0
// From a manifest to an output directory: what `gantry build` does, and `gantry boot` before it
// boots.
#pragma once

#include "gantry/manifest_input.hpp"
#include "launch-config/model/assemble.hpp"

#include <filesystem>
#include <optional>

namespace gantry {

struct BuildOptions {
    ManifestOptions manifest;
    std::filesystem::path out = "out";
    std::filesystem::path library;  // empty: library_directory()
};

// Where hv.elf32, domb.bin, console.elf and, if a manifest wants them, xenstore.elf and
// launcher.elf are: $GANTRY_LIB_DIR, else ../lib/gantry beside the tool.
std::filesystem::path library_directory();

// Writes the output directory. What is wrong is printed; nothing is written then. Nothing is
// printed on success.
ExitCode build(const Session& session, const BuildOptions& options);

// The plan alone, without writing it. On failure nothing, and `why` is set; all is printed.
std::optional<launch::model::Plan> make_plan(const Session& session, const ManifestOptions& options,
                                             const std::filesystem::path& library, ExitCode& why);

}  // namespace gantry
