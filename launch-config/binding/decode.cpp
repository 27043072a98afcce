// SPDX-License-Identifier: Apache-2.0
#include "launch-config/binding/decode.hpp"

#include "launch-config/binding/canonical.hpp"
#include "launch-config/binding/decode_devices.hpp"
#include "launch-config/binding/decode_domain.hpp"
#include "launch-config/binding/decode_order.hpp"
#include "launch-config/binding/names.hpp"

#include <algorithm>
#include <array>

namespace launch {
namespace {

hv::Err<DecodeError> reject_tree(DecodeReason reason, std::string_view path) {
    return hv::Err{DecodeError{reason, path, {}}};
}

Decoded<NodeReader> find_hypervisor(const fdt::Tree& tree) {
    const auto chosen = tree.root().child("chosen");
    if (!chosen) {
        return reject_tree(DecodeReason::NoLaunch, "/chosen");
    }
    const auto hypervisor = chosen->child("hypervisor");
    if (!hypervisor || !hypervisor->is_compatible(names::hypervisor_compatible)) {
        return reject_tree(DecodeReason::NoLaunch, "/chosen/hypervisor");
    }
    return NodeReader{*hypervisor, NodePath{"/chosen"}};
}

Decoded<Measurement> decode_measurement(const NodeReader& reader) {
    constexpr std::array all{Measurement::Required, Measurement::Preferred, Measurement::Off};
    const auto word = TRY(reader.string(names::measurement));
    if (!word) {
        return Measurement::Required;
    }
    for (const Measurement measurement : all) {
        if (to_string(measurement) == *word) {
            return measurement;
        }
    }
    return reader.reject(DecodeReason::Malformed, names::measurement);
}

// Three cells: text, blobs, mirror. Three different PCRs, or one event could stand for another.
Decoded<PcrPlan> decode_pcrs(const NodeReader& reader) {
    const auto value = reader.node().property(names::pcrs);
    if (!value) {
        return PcrPlan{};
    }
    if (value->size() != 3 * sizeof(uint32_t)) {
        return reader.reject(DecodeReason::Malformed, names::pcrs);
    }
    std::array<uint32_t, 3> cells{};
    for (size_t i = 0; i < cells.size(); ++i) {
        cells[i] = fdt::as_u32(value->subspan(i * sizeof(uint32_t), sizeof(uint32_t))).value_or(0);
    }
    const auto [text, blobs, mirror] = cells;
    // Only these can be extended at locality 0; the mirror is one that locality 2 resets.
    if (text > 15 || blobs > 15 || mirror < 20 || mirror > 22) {
        return reader.reject(DecodeReason::OutOfRange, names::pcrs);
    }
    if (text == blobs) {
        return reader.reject(DecodeReason::Contradiction, names::pcrs);
    }
    return PcrPlan{hv::PcrIndex{text}, hv::PcrIndex{blobs}, hv::PcrIndex{mirror}};
}

Decoded<void> decode_config(const NodeReader& reader, LaunchGraph& out, DecodeNotes* notes) {
    constexpr std::array<std::string_view, 2> known{"compatible", names::bootargs};
    out.hypervisor_cmdline = TRY(reader.text(names::bootargs, max_cmdline_bytes));
    TRY(reader.check_unknown(known, notes));
    for (const fdt::Node child : reader.node().children()) {
        const NodeReader module{child, reader.path()};
        if (!child.is_compatible(names::builder_compatible)) {
            if (child.is_compatible(names::module_compatible)) {
                return module.reject(DecodeReason::NotImplemented, "compatible");
            }
            module.note_unknown_node(notes);
            continue;
        }
        if (out.builder.module_index != 0) {
            return module.reject(DecodeReason::Duplicate);
        }
        out.builder = TRY(decode_module(module, "domb", notes));
        if (out.builder.module_index != builder_module_index) {
            return module.reject(DecodeReason::OutOfRange, names::module_index);
        }
    }
    return hv::Ok{};
}

Decoded<void> check_unique(const NodeReader& reader, const LaunchGraph& graph,
                           const Domain& domain) {
    for (const Domain& other : graph.domains) {
        if (&other == &domain) {
            continue;
        }
        if (other.name == domain.name) {
            return reader.reject(DecodeReason::Duplicate, names::name);
        }
        if (other.uuid == domain.uuid) {
            return reader.reject(DecodeReason::Duplicate, names::uuid);
        }
        if (other.domid == domain.domid && domain.domid != hv::DomainId{}) {
            return reader.reject(DecodeReason::Duplicate, names::domid);
        }
        for (const Role role : {Role::Hardware, Role::Console, Role::Xenstore, Role::Recovery,
                                Role::Tpm, Role::Launcher}) {
            if (other.roles.has(role) && domain.roles.has(role)) {
                return reader.reject(DecodeReason::Duplicate, names::roles);
            }
        }
    }
    return hv::Ok{};
}

bool uses_builder(const LaunchGraph& graph, const Domain& domain) {
    const uint32_t index = graph.builder.module_index;
    return domain.kernel.module_index == index ||
           (domain.initrd && domain.initrd->module_index == index);
}

// Domains that leave their domid to us get the lowest free ones, in order.
void assign_domids(LaunchGraph& graph) {
    uint16_t next = 1;
    const auto taken = [&graph](uint16_t n) {
        return std::any_of(graph.domains.begin(), graph.domains.end(),
                           [n](const Domain& d) { return d.domid.value() == n; });
    };
    for (Domain& domain : graph.domains) {
        if (domain.domid == hv::DomainId{}) {
            while (taken(next)) {
                ++next;
            }
            domain.domid = hv::DomainId{next};
        }
    }
}

Decoded<void> decode_domains(const NodeReader& hypervisor, LaunchGraph& out, DecodeNotes* notes) {
    for (const fdt::Node child : hypervisor.node().children()) {
        const NodeReader reader{child, hypervisor.path()};
        if (!child.is_compatible(names::domain_compatible)) {
            if (!child.is_compatible(names::config_compatible)) {
                reader.note_unknown_node(notes);
            }
            continue;
        }
        if (!out.domains.push(Domain{}).ok()) {
            return reader.reject(DecodeReason::TooMany);
        }
        Domain& domain = out.domains.back();
        TRY(decode_domain(reader, domain, notes));
        TRY(check_unique(reader, out, domain));
        if (uses_builder(out, domain)) {
            return reader.reject(DecodeReason::Contradiction, names::module_index);
        }
    }
    assign_domids(out);
    return hv::Ok{};
}

// Whom a domain names may stand after it, so all domains must have been read.
Decoded<void> check_references(const NodeReader& hypervisor, const LaunchGraph& graph) {
    size_t index = 0;
    for (const fdt::Node child : hypervisor.node().children()) {
        if (child.is_compatible(names::domain_compatible)) {
            const NodeReader reader{child, hypervisor.path()};
            TRY(check_devices(reader, graph, graph.domains[index]));
            TRY(check_order(reader, graph, graph.domains[index]));
            ++index;
        }
    }
    return hv::Ok{};
}

Decoded<void> check_no_cycle(const NodeReader& hypervisor, const LaunchGraph& graph) {
    size_t index = first_waiting_for_ever(graph);
    for (const fdt::Node child : hypervisor.node().children()) {
        if (child.is_compatible(names::domain_compatible) && index-- == 0) {
            return NodeReader{child, hypervisor.path()}.reject(DecodeReason::Contradiction,
                                                               names::after);
        }
    }
    return hv::Ok{};
}

// The config node may stand anywhere among the domains; what it says is needed to read them.
Decoded<void> decode_configs(const NodeReader& hypervisor, LaunchGraph& out, DecodeNotes* notes) {
    bool found = false;
    for (const fdt::Node child : hypervisor.node().children()) {
        if (child.is_compatible(names::config_compatible)) {
            const NodeReader reader{child, hypervisor.path()};
            if (found) {
                return reader.reject(DecodeReason::Duplicate);
            }
            found = true;
            TRY(decode_config(reader, out, notes));
        }
    }
    return out.builder.module_index != 0
               ? Decoded<void>{hv::Ok{}}
               : hypervisor.reject(DecodeReason::Missing, names::builder_compatible);
}

}  // namespace

hv::Result<void, DecodeError> decode(std::span<const std::byte> lcm, LaunchGraph& out,
                                     DecodeNotes* notes) {
    constexpr std::array<std::string_view, 5> known{"compatible", "#address-cells", "#size-cells",
                                                    names::measurement, names::pcrs};
    if (lcm.size() > max_lcm_bytes) {
        return reject_tree(DecodeReason::TooLarge, {});
    }
    auto tree = fdt::Tree::open(lcm);
    if (!tree.ok()) {
        return reject_tree(DecodeReason::NotATree, {});
    }
    const auto hypervisor = TRY(find_hypervisor(tree.value()));
    out.measurement = TRY(decode_measurement(hypervisor));
    out.pcrs = TRY(decode_pcrs(hypervisor));
    out.builder = Artifact{};
    out.hypervisor_cmdline = {};
    out.domains.clear();
    TRY(hypervisor.check_unknown(known, notes));
    TRY(decode_configs(hypervisor, out, notes));
    TRY(decode_domains(hypervisor, out, notes));
    TRY(check_references(hypervisor, out));
    TRY(check_no_cycle(hypervisor, out));
    if (out.domains.empty()) {
        return hypervisor.reject(DecodeReason::Missing, names::domain_compatible);
    }
    return hv::Ok{};
}

std::string_view to_string(DecodeReason reason) {
    switch (reason) {
        case DecodeReason::TooLarge:
            return "the launch control module is too large";
        case DecodeReason::NotATree:
            return "not a well-formed flattened device tree";
        case DecodeReason::NoLaunch:
            return "the tree describes no launch";
        case DecodeReason::Missing:
            return "is missing";
        case DecodeReason::Malformed:
            return "has not the form that the binding gives it";
        case DecodeReason::OutOfRange:
            return "is out of range";
        case DecodeReason::Duplicate:
            return "is there twice";
        case DecodeReason::TooMany:
            return "is one more than this version supports";
        case DecodeReason::NoSuchDomain:
            return "names no domain of the launch";
        case DecodeReason::Contradiction:
            return "contradicts another value";
        case DecodeReason::NotImplemented:
            return "is not implemented yet";
    }
    return "?";
}

}  // namespace launch
