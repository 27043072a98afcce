// SPDX-License-Identifier: Apache-2.0
#include "gantry/build.hpp"

#include "launch-config/model/defaults.hpp"
#include "launch-config/model/kernel_image.hpp"
#include "launch-config/model/output.hpp"
#include "measure/replay/predict.hpp"

#include <cstdlib>
#include <iostream>

namespace gantry {

namespace fs = std::filesystem;
namespace model = launch::model;

namespace {

// A program of the library directory; its absence is a fault of the installation.
std::optional<model::Bytes> read_program(const Session& session, const fs::path& library,
                                         const char* name) {
    const fs::path directory = library.empty() ? library_directory() : library;
    auto bytes = model::read_file(directory / name);
    if (!bytes || bytes->empty()) {
        session.err << (directory / name).string()
                    << ": cannot be read: expected a program of this project (see --lib)\n";
        return std::nullopt;
    }
    return bytes;
}

model::Bytes predict(const model::Plan& plan) {
    std::vector<std::span<const std::byte>> modules;
    for (const model::Module& module : plan.modules) {
        modules.emplace_back(module.bytes);
    }
    const auto values = measure::predict({.graph = plan.graph, .modules = modules});
    const std::string json = measure::to_json(values);
    const auto bytes = std::as_bytes(std::span{json});
    return {bytes.begin(), bytes.end()};
}

}  // namespace

fs::path library_directory() {
    if (const char* set = std::getenv("GANTRY_LIB_DIR"); set != nullptr && *set != '\0') {
        return set;
    }
    return (fs::read_symlink("/proc/self/exe").parent_path() / "../lib/gantry").lexically_normal();
}

std::optional<model::Plan> make_plan(const Session& session, const ManifestOptions& options,
                                     const fs::path& library, ExitCode& why) {
    why = ExitCode::Usage;
    auto input = read_manifest(session, options);
    if (!input) {
        return std::nullopt;
    }
    if (input->diagnostics.empty()) {
        auto builder = read_program(session, library, "domb.bin");
        auto console = read_program(session, library, "console.elf");
        auto xenstore = input->manifest.has_xenstore
                            ? read_program(session, library, "xenstore.elf")
                            : model::Bytes{};
        auto launcher = model::needs_launcher(input->manifest)
                            ? read_program(session, library, "launcher.elf")
                            : model::Bytes{};
        if (!builder || !console || !xenstore || !launcher) {
            return std::nullopt;
        }
        model::Plan plan = model::assemble(
            input->manifest, input->prepared,
            {std::move(*builder), std::move(*console), std::move(*xenstore), std::move(*launcher)},
            input->diagnostics);
        if (input->diagnostics.empty()) {
            model::check_machine_memory(input->manifest, plan, input->diagnostics);
        }
        if (input->diagnostics.empty()) {
            why = ExitCode::Done;
            return plan;
        }
    }
    print_diagnostics(session, input->diagnostics);
    why = ExitCode::Rejected;
    return std::nullopt;
}

ExitCode build(const Session& session, const BuildOptions& options) {
    ExitCode why = ExitCode::Done;
    const auto plan = make_plan(session, options.manifest, options.library, why);
    if (!plan) {
        return why;
    }
    const auto hypervisor = read_program(session, options.library, "hv.elf32");
    if (!hypervisor) {
        return ExitCode::Usage;
    }
    try {
        model::write_output(options.out, *plan, *hypervisor, {{"reference.json", predict(*plan)}});
    } catch (const fs::filesystem_error& error) {
        session.err << options.out.string() << ": " << error.code().message()
                    << ": expected a directory that can be written\n";
        return ExitCode::Usage;
    }
    return ExitCode::Done;
}

}  // namespace gantry
