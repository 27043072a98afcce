// SPDX-License-Identifier: Apache-2.0
// gantry verify: say whether evidence is what `gantry build` predicted. The last line of the output
// is the verdict.
#include "gantry/verbs.hpp"
#include "measure/replay/evidence.hpp"
#include "measure/replay/report.hpp"

#include <filesystem>
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>

namespace gantry {
namespace {

struct VerifyOptions {
    std::string evidence;
    std::string reference;
};

void print(Session& session, const measure::Verdict& verdict) {
    session.out << (session.json ? measure::verdict_to_json(verdict)
                                 : measure::verdict_to_text(verdict));
}

// Malformed evidence is a difference of all domains: none is shown to match.
ExitCode refuse(Session& session, const measure::LoadError& error,
                const measure::ReferenceValues& reference) {
    session.err << "gantry verify: " << error.message << '\n';
    if (error.cannot_read) {
        return ExitCode::Usage;
    }
    measure::Verdict verdict;
    verdict.differences.push_back({{}, "evidence", {}, "well-formed evidence", error.message});
    for (const std::string& domain : reference.domains) {
        verdict.domains.push_back(domain);
        verdict.differences.push_back({domain, "evidence", {}, "well-formed evidence", "none"});
    }
    print(session, verdict);
    return ExitCode::Rejected;
}

ExitCode run(Session& session, const VerifyOptions& options) {
    const auto reference = measure::load_reference(options.reference);
    if (!reference.ok()) {
        session.err << "gantry verify: " << reference.error().message << '\n';
        return reference.error().cannot_read ? ExitCode::Usage : ExitCode::Rejected;
    }
    const std::filesystem::path folder{options.evidence};
    const auto log = measure::load_log(folder / "log");
    if (!log.ok()) {
        return refuse(session, log.error(), reference.value());
    }
    const auto pcrs = measure::load_pcrs(folder / "pcrs");
    if (!pcrs.ok()) {
        return refuse(session, pcrs.error(), reference.value());
    }
    const measure::Verdict verdict = measure::verify(log.value(), pcrs.value(), reference.value());
    print(session, verdict);
    return verdict.matches() ? ExitCode::Done : ExitCode::Rejected;
}

}  // namespace

void add_verify(CLI::App& app, Session& session) {
    CLI::App* verb =
        app.add_subcommand("verify", "Say whether evidence matches the reference values");
    const auto options = std::make_shared<VerifyOptions>();
    verb->add_option("EVIDENCE", options->evidence, "Folder with the files log and pcrs")
        ->required();
    verb->add_option("--reference", options->reference, "reference.json of `gantry build`")
        ->required();
    verb->callback([&session, options] {
        session.run = [&session, options] { return run(session, *options); };
    });
}

}  // namespace gantry
