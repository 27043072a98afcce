// SPDX-License-Identifier: Apache-2.0
// The command-line tool: finds the verb, runs it, turns what happened into an exit status.
// The work is in the libraries; each verb's options and output are in its verb_*.cpp.
#include "gantry/verbs.hpp"

#include <array>
#include <exception>
#include <iostream>

#include <CLI/CLI.hpp>

namespace {

constexpr std::array verbs{gantry::add_check, gantry::add_build,  gantry::add_show,
                           gantry::add_log,   gantry::add_verify, gantry::add_boot};

int run(int argc, char** argv) {
    gantry::Session session{.out = std::cout, .err = std::cerr};
    CLI::App app{"Starts a measured machine from one manifest, and proves what ran.", "gantry"};
    app.require_subcommand(1);
    app.fallthrough();
    app.add_flag("--json", session.json, "Write results as JSON");
    for (const auto add : verbs) {
        add(app, session);
    }
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        const bool asked_for_help = app.exit(error, std::cout, std::cerr) == 0;
        return static_cast<int>(asked_for_help ? gantry::ExitCode::Done : gantry::ExitCode::Usage);
    }
    return static_cast<int>(session.run());
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        std::cerr << "gantry: bug: " << error.what() << '\n';
        return static_cast<int>(gantry::ExitCode::Bug);
    }
}
