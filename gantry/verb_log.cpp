// SPDX-License-Identifier: Apache-2.0
// gantry log: show an event log. It is parsed, not verified.
#include "gantry/verbs.hpp"
#include "measure/replay/evidence.hpp"
#include "measure/replay/report.hpp"

#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>

namespace gantry {
namespace {

ExitCode run(Session& session, const std::string& file) {
    const auto log = measure::load_log(file);
    if (!log.ok()) {
        session.err << "gantry log: " << log.error().message << '\n';
        return log.error().cannot_read ? ExitCode::Usage : ExitCode::Rejected;
    }
    session.out << (session.json ? measure::log_to_json(log.value())
                                 : measure::log_to_text(log.value()));
    return ExitCode::Done;
}

}  // namespace

void add_log(CLI::App& app, Session& session) {
    CLI::App* verb = app.add_subcommand("log", "Show an event log, without judging it");
    const auto file = std::make_shared<std::string>();
    verb->add_option("FILE", *file, "A log as binary_bios_measurements has it")->required();
    verb->callback(
        [&session, file] { session.run = [&session, file] { return run(session, *file); }; });
}

}  // namespace gantry
