// SPDX-License-Identifier: Apache-2.0
// gantry build: build the boot modules of a manifest.
#include "gantry/verbs.hpp"

#include <iostream>

#include <CLI/CLI.hpp>

namespace gantry {

void add_build(CLI::App& app, Session& session) {
    CLI::App* verb = app.add_subcommand("build", "Build the boot modules of a manifest");
    verb->callback([&session] {
        session.run = [&session] {
            session.err << "gantry build: not implemented yet\n";
            return ExitCode::Usage;
        };
    });
}

}  // namespace gantry
