// SPDX-License-Identifier: Apache-2.0
// gantry check: report every mistake of a manifest.
#include "gantry/verbs.hpp"

#include <iostream>

#include <CLI/CLI.hpp>

namespace gantry {

void add_check(CLI::App& app, Session& session) {
    CLI::App* verb = app.add_subcommand("check", "Report every mistake of a manifest");
    verb->callback([&session] {
        session.run = [&session] {
            session.err << "gantry check: not implemented yet\n";
            return ExitCode::Usage;
        };
    });
}

}  // namespace gantry
