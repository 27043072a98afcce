// SPDX-License-Identifier: Apache-2.0
// gantry show: the launch graph, as hv and domB will see it, or the tree with which Xenstore
// starts, of a manifest, an LCM or the output of gantry build.
#include "gantry/build.hpp"
#include "launch-config/binding/canonical.hpp"
#include "launch-config/binding/decode.hpp"
#include "launch-config/xenstore/initial_tree.hpp"

#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace gantry {
namespace {

namespace fs = std::filesystem;
namespace model = launch::model;
using Json = nlohmann::ordered_json;

struct ShowOptions {
    ManifestOptions manifest;  // or something else, by its name
    fs::path library;
    bool xenstore = false;  // the tree instead of the graph
};

Json to_json(const launch::Artifact& artifact) {
    Json json = {{"module", artifact.module_index},
                 {"name", artifact.name},
                 {"source", artifact.source},
                 {"bytes", artifact.size_bytes}};
    if (artifact.expected_sha256) {
        json["sha256"] = model::format_sha256(*artifact.expected_sha256);
    }
    return json;
}

void add_devices(Json& json, const launch::Domain& domain) {
    for (const launch::Disk& disk : domain.disks) {
        json["disks"].push_back({{"vdev", disk.vdev},
                                 {"backend", disk.backend},
                                 {"target", disk.target},
                                 {"mode", to_string(disk.mode)}});
    }
    for (const launch::Net& net : domain.nets) {
        json["nets"].push_back({{"backend", net.backend},
                                {"bridge", net.bridge},
                                {"mac", model::format_mac(net.mac)}});
    }
    for (const launch::Channel& channel : domain.channels) {
        json["channels"].push_back({{"name", channel.name},
                                    {"backend", channel.backend},
                                    {"connection", to_string(channel.end)}});
    }
}

// Only what is not as it is without a word about it.
void add_order(Json& json, const launch::Domain& domain) {
    for (const std::string_view name : domain.after) {
        json["after"].push_back(name);
    }
    const launch::Ready& ready = domain.ready;
    if (ready.when != launch::ReadyWhen::Started) {
        json["ready"] = {{"when", to_string(ready.when)}};
        if (!ready.path.empty()) {
            json["ready"]["path"] = ready.path;
        }
        if (!ready.text.empty()) {
            json["ready"][ready.when == launch::ReadyWhen::Console ? "text" : "value"] = ready.text;
        }
        json["ready"]["timeout-ms"] = ready.timeout_ms;
    }
    if (domain.on_failure != launch::Policy::Ignore) {
        json["on-failure"] = to_string(domain.on_failure);
    }
    if (domain.on_crash != launch::Policy::Ignore) {
        json["on-crash"] = to_string(domain.on_crash);
    }
    if (domain.start_unmeasured) {
        json["start-unmeasured"] = true;
    }
}

Json to_json(const launch::Domain& domain) {
    auto roles = Json::array();
    for (const launch::Role role : launch::all_roles) {
        if (domain.roles.has(role)) {
            roles.push_back(to_string(role));
        }
    }
    Json json = {{"name", domain.name},
                 {"domid", domain.domid.value()},
                 {"uuid", model::format_uuid(domain.uuid)},
                 {"type", to_string(domain.type)},
                 {"vcpus", domain.vcpu_count},
                 {"memory", domain.memory_bytes},
                 {"memory-max", domain.max_memory_bytes},
                 {"roles", roles},
                 {"cpuid", {{"x2apic", domain.cpuid.x2apic}, {"xsave", domain.cpuid.xsave}}},
                 {"kernel", to_json(domain.kernel)}};
    if (domain.type == launch::DomainType::Pv) {
        json["pv"] = {{"p2m", to_string(domain.p2m)}};
    }
    if (domain.initrd) {
        json["initrd"] = to_json(*domain.initrd);
    }
    json["cmdline"] = domain.cmdline;
    add_devices(json, domain);
    add_order(json, domain);
    json["expect"] = to_string(domain.expected_end);
    json["path"] = domain.path;
    return json;
}

Json to_json(const launch::LaunchGraph& graph) {
    auto domains = Json::array();
    for (const launch::Domain& domain : graph.domains) {
        domains.push_back(to_json(domain));
    }
    return {{"measurement", to_string(graph.measurement)},
            {"pcrs",
             {{"text", graph.pcrs.text.value()},
              {"blobs", graph.pcrs.blobs.value()},
              {"mirror", graph.pcrs.mirror.value()}}},
            {"hypervisor", {{"cmdline", graph.hypervisor_cmdline}}},
            {"builder", to_json(graph.builder)},
            {"domains", domains}};
}

// A JSON value on one line of text: strings without quotes.
std::string plain(const Json& value) {
    constexpr auto replace = Json::error_handler_t::replace;
    return value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', false, replace);
}

void print_text(std::ostream& out, const Json& graph) {
    for (const auto& [key, value] : graph.items()) {
        if (key != "domains") {
            out << key << ": " << plain(value) << '\n';
        }
    }
    for (const Json& domain : graph["domains"]) {
        out << "\ndomain " << plain(domain["name"]) << '\n';
        for (const auto& [key, value] : domain.items()) {
            if (key != "name") {
                out << "  " << key << ": " << plain(value) << '\n';
            }
        }
    }
}

Json to_json(const launch::xenstore::Tree& tree) {
    auto nodes = Json::array();
    for (const launch::xenstore::Node& node : tree.nodes()) {
        auto permissions = Json::array();
        for (const auto& permission : node.permissions) {
            permissions.push_back(permission.letter + std::to_string(permission.domain.value()));
        }
        nodes.push_back({{"path", node.path}, {"value", node.value}, {"permissions", permissions}});
    }
    return nodes;
}

void print_tree(const Session& session, const launch::LaunchGraph& graph) {
    const launch::xenstore::Tree tree = launch::xenstore::initial_tree(graph);
    if (session.json) {
        session.out << to_json(tree).dump(2) << '\n';
    } else {
        session.out << to_text(tree);
    }
}

void print(const Session& session, const ShowOptions& options, const launch::LaunchGraph& graph) {
    if (options.xenstore) {
        print_tree(session, graph);
        return;
    }
    const Json json = to_json(graph);
    constexpr auto replace = Json::error_handler_t::replace;
    if (session.json) {
        session.out << json.dump(2, ' ', false, replace) << '\n';
    } else {
        print_text(session.out, json);
    }
}

ExitCode show_lcm(const Session& session, const ShowOptions& options, const std::string& file,
                  const model::Bytes& lcm) {
    launch::LaunchGraph graph;
    launch::DecodeNotes notes;
    const auto decoded = launch::decode(lcm, graph, &notes);
    for (const launch::DecodeNote& note : notes) {
        session.err << file << ": " << note.path.view() << ' ' << note.property.view()
                    << ": unknown, ignored\n";
    }
    if (!decoded.ok()) {
        const launch::DecodeError& error = decoded.error();
        session.err << file << ": " << error.path.view() << ": " << error.property.view() << ' '
                    << to_string(error.reason) << '\n';
        return ExitCode::Rejected;
    }
    print(session, options, graph);
    return ExitCode::Done;
}

ExitCode show(const Session& session, const ShowOptions& options) {
    const fs::path given = options.manifest.file;
    const fs::path file = fs::is_directory(given) ? given / "launch.lcm" : given;
    const auto bytes = model::read_file(file);
    if (!bytes) {
        session.err << file.string() << ": cannot be read: expected a manifest or an LCM\n";
        return ExitCode::Usage;
    }
    constexpr std::array tree_magic{std::byte{0xd0}, std::byte{0x0d}, std::byte{0xfe},
                                    std::byte{0xed}};
    if (bytes->size() >= tree_magic.size() &&
        std::equal(tree_magic.begin(), tree_magic.end(), bytes->begin())) {
        return show_lcm(session, options, file.string(), *bytes);
    }
    ExitCode why = ExitCode::Done;
    const auto plan = make_plan(session, options.manifest, options.library, why);
    if (plan) {
        print(session, options, plan->graph);
    }
    return why;
}

}  // namespace

void add_show(CLI::App& app, Session& session) {
    CLI::App* verb = app.add_subcommand("show", "Show the launch graph of a manifest or an LCM");
    const auto options = std::make_shared<ShowOptions>();
    verb->add_option("file", options->manifest.file, "A manifest, an LCM, or an output directory")
        ->required();
    verb->add_flag("--xenstore", options->xenstore,
                   "The tree with which Xenstore starts, as xenstore-ls -fp prints it");
    verb->add_option("--lib", options->library, "Directory of domb.bin and the services");
    verb->callback([&session, options] {
        session.run = [&session, options] { return show(session, *options); };
    });
}

}  // namespace gantry
