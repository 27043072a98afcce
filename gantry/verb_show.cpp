// SPDX-License-Identifier: Apache-2.0
// gantry show: show the launch graph of a manifest or an LCM.
#include "gantry/verbs.hpp"

#include <iostream>

#include <CLI/CLI.hpp>

namespace gantry {

void add_show(CLI::App& app, Session& session) {
    CLI::App* verb = app.add_subcommand("show", "Show the launch graph of a manifest or an LCM");
    verb->callback([&session] {
        session.run = [&session] {
            session.err << "gantry show: not implemented yet\n";
            return ExitCode::Usage;
        };
    });
}

}  // namespace gantry
