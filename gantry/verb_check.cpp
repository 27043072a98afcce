// SPDX-License-Identifier: Apache-2.0
// gantry check: every mistake of a manifest, with its place and what was expected there.
#include "gantry/manifest_input.hpp"

#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>

namespace gantry {
namespace {

ExitCode check(const Session& session, const ManifestOptions& options) {
    const auto input = read_manifest(session, options);
    if (!input) {
        return ExitCode::Usage;
    }
    print_diagnostics(session, input->diagnostics);
    if (!input->diagnostics.empty()) {
        return ExitCode::Rejected;
    }
    if (!session.json) {
        const size_t count = input->manifest.domains.size();
        session.out << options.file << ": no mistakes, " << count
                    << (count == 1 ? " domain\n" : " domains\n");
    }
    return ExitCode::Done;
}

}  // namespace

void add_check(CLI::App& app, Session& session) {
    CLI::App* verb = app.add_subcommand("check", "Report every mistake of a manifest");
    const auto options = std::make_shared<ManifestOptions>();
    add_manifest_options(*verb, *options);
    verb->callback([&session, options] {
        session.run = [&session, options] { return check(session, *options); };
    });
}

}  // namespace gantry
