// SPDX-License-Identifier: Apache-2.0
#include "gantry/manifest_input.hpp"

#include <iostream>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace gantry {

namespace model = launch::model;

void add_manifest_options(CLI::App& verb, ManifestOptions& options) {
    verb.add_option("manifest", options.file, "The manifest (JSON)")->required();
    verb.add_option("--memory", options.machine_memory,
                    "The machine's memory, such as 2G; replaces machine.memory of the manifest");
}

std::optional<ManifestInput> read_manifest(const Session& session, const ManifestOptions& options) {
    constexpr size_t longest = size_t{4} << 20;
    const auto bytes = model::read_file(options.file);
    if (!bytes || bytes->size() > longest) {
        session.err << options.file << ": cannot be read: expected a manifest of at most 4M\n";
        return std::nullopt;
    }
    // SAFETY: chars may view any bytes.
    std::string text(reinterpret_cast<const char*>(bytes->data()), bytes->size());
    ManifestInput input{{options.file, std::move(text)}, {}, {}};
    input.manifest =
        model::read_manifest(input.diagnostics, std::filesystem::path{options.file}.parent_path());
    if (!options.machine_memory.empty()) {
        input.manifest.machine.memory_bytes = model::parse_size(options.machine_memory);
        if (!input.manifest.machine.memory_bytes) {
            session.err << "--memory: " << model::quote(options.machine_memory)
                        << " cannot be understood: expected a size such as 2G\n";
            return std::nullopt;
        }
    }
    // What is not JSON has no fields to check.
    if (input.diagnostics.empty() || !input.manifest.domains.empty()) {
        model::check_manifest(input.manifest, input.diagnostics);
    }
    if (input.diagnostics.empty()) {
        input.prepared =
            model::prepare_artifacts(input.manifest, options.examine, input.diagnostics);
    }
    return input;
}

void print_diagnostics(const Session& session, const model::Diagnostics& diagnostics) {
    if (!session.json) {
        for (const auto& diagnostic : diagnostics.sorted()) {
            session.err << diagnostics.to_text(diagnostic) << '\n';
        }
        return;
    }
    auto list = nlohmann::ordered_json::array();
    for (const auto& d : diagnostics.sorted()) {
        list.push_back({{"line", d.line},
                        {"column", d.column},
                        {"pointer", d.place.pointer},
                        {"what", d.what},
                        {"expected", d.expected}});
    }
    const nlohmann::ordered_json result = {
        {"file", diagnostics.file()}, {"valid", diagnostics.empty()}, {"diagnostics", list}};
    constexpr auto replace = nlohmann::ordered_json::error_handler_t::replace;
    session.out << result.dump(2, ' ', false, replace) << '\n';
}

}  // namespace gantry
