// SPDX-License-Identifier: Apache-2.0
// gantry build: the boot modules of a manifest, and what they will measure.
#include "gantry/build.hpp"

#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace gantry {
namespace {

ExitCode run(const Session& session, const BuildOptions& options) {
    const ExitCode result = build(session, options);
    if (result == ExitCode::Done && session.json) {
        session.out << nlohmann::ordered_json{{"out", options.out.string()}}.dump(2) << '\n';
    } else if (result == ExitCode::Done) {
        session.out << options.out.string() << ": built from " << options.manifest.file << '\n';
    }
    return result;
}

}  // namespace

void add_build(CLI::App& app, Session& session) {
    CLI::App* verb = app.add_subcommand("build", "Build the boot modules of a manifest");
    const auto options = std::make_shared<BuildOptions>();
    add_manifest_options(*verb, options->manifest);
    verb->add_option("-o,--out", options->out, "Output directory")->capture_default_str();
    verb->add_option("--lib", options->library, "Directory of hv.elf32, domb.bin and the services");
    verb->add_flag_callback(
        "--unexamined",
        [options] { options->manifest.examine = launch::model::Examine::DigestsOnly; },
        "Take kernels that no domain can start, to test what the machine refuses");
    verb->callback([&session, options] {
        session.run = [&session, options] { return run(session, *options); };
    });
}

}  // namespace gantry
