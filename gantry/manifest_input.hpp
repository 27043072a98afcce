// SPDX-License-Identifier: Apache-2.0
// What check, build and show (and boot) have in common: from the name of a manifest to a checked
// manifest with its files, diagnostics printed.
#pragma once

#include "gantry/verbs.hpp"
#include "launch-config/model/artifacts.hpp"

#include <optional>
#include <string>

namespace gantry {

struct ManifestOptions {
    std::string file;
    std::string machine_memory;  // a size; empty: what the manifest says
    launch::model::Examine examine = launch::model::Examine::Everything;
};

// Adds the manifest's name and --memory to a subcommand.
void add_manifest_options(CLI::App& verb, ManifestOptions& options);

struct ManifestInput {
    launch::model::Diagnostics diagnostics;
    launch::model::Manifest manifest;
    std::vector<launch::model::PreparedDomain> prepared;  // empty if there were mistakes
};

// Nothing when the manifest cannot be read at all or an option is wrong, which is reported.
std::optional<ManifestInput> read_manifest(const Session& session, const ManifestOptions& options);

// Prints all diagnostics, in the text's order: as lines, or as one JSON object.
void print_diagnostics(const Session& session, const launch::model::Diagnostics& diagnostics);

}  // namespace gantry
