// SPDX-License-Identifier: Apache-2.0
#include "launch-config/model/assemble.hpp"

#include "hv/abi/service_plan.hpp"
#include "launch-config/binding/decode.hpp"
#include "launch-config/model/defaults.hpp"
#include "launch-config/model/encode.hpp"
#include "launch-config/xenstore/initial_tree.hpp"

#include <algorithm>
#include <deque>
#include <stdexcept>

namespace launch::model {
namespace {

constexpr uint64_t small_service_bytes = uint64_t{8} << 20;
constexpr uint64_t hypervisor_allowance = uint64_t{48} << 20;

class Assembler {
  public:
    Assembler(const Manifest& manifest, Diagnostics& diagnostics)
        : manifest_{manifest}, diagnostics_{diagnostics} {}

    Plan run(const std::vector<PreparedDomain>& prepared, Services services) {
        plan_.modules.push_back({"launch.lcm", {}});
        graph_.measurement = manifest_.measurement;
        graph_.pcrs = manifest_.pcrs;
        graph_.hypervisor_cmdline = manifest_.hypervisor_cmdline;
        graph_.builder = builder(std::move(services.builder));
        for (size_t i = 0; i < manifest_.domains.size(); ++i) {
            add(domain(manifest_.domains[i], prepared[i]), manifest_.domains[i].place);
        }
        if (holder_of(manifest_, Role::Console) == nullptr) {
            add(service(console_name, Role::Console, services.console), manifest_.domains_place);
        }
        const bool adds_xenstore =
            manifest_.has_xenstore && holder_of(manifest_, Role::Xenstore) == nullptr;
        if (adds_xenstore) {
            add(service("xenstore", Role::Xenstore, services.xenstore), manifest_.domains_place);
        }
        const size_t xenstore = graph_.domains.size() - 1;
        if (needs_launcher(manifest_) && holder_of(manifest_, Role::Launcher) == nullptr) {
            add(service("launcher", Role::Launcher, services.launcher), manifest_.domains_place);
        }
        assign_domids();
        if (adds_xenstore && diagnostics_.empty()) {
            give_tree(graph_.domains[xenstore]);
        }
        if (diagnostics_.empty()) {
            finish();
        }
        return std::move(plan_);
    }

  private:
    std::string_view keep(std::string text) { return strings_.emplace_back(std::move(text)); }

    // The index of a module with these bytes, a new one if there is none.
    uint32_t module_of(const std::string& name, const Bytes& bytes, const Place& place) {
        for (size_t i = 1; i < plan_.modules.size(); ++i) {
            if (i != builder_module_index && plan_.modules[i].bytes == bytes) {
                return static_cast<uint32_t>(i);
            }
        }
        if (plan_.modules.size() == max_modules) {
            diagnostics_.add(
                place, "this file is one boot module too many",
                "expected at most " + std::to_string(max_modules - 1) + " different files");
            return 0;
        }
        plan_.modules.push_back({name, bytes});
        return static_cast<uint32_t>(plan_.modules.size() - 1);
    }

    Artifact builder(Bytes bytes) {
        Artifact artifact;
        artifact.module_index = builder_module_index;
        artifact.name = "domb";
        artifact.source = "domb.bin";
        artifact.size_bytes = bytes.size();
        plan_.modules.push_back({"domb", std::move(bytes)});
        return artifact;
    }

    Artifact artifact(const PreparedArtifact& prepared, const Place& place) {
        Artifact artifact;
        artifact.module_index = module_of(prepared.name, *prepared.bytes, place);
        artifact.name = keep(prepared.name);
        artifact.source = keep(prepared.source);
        artifact.size_bytes = prepared.bytes->size();
        artifact.expected_sha256 = prepared.expected_sha256;
        return artifact;
    }

    Domain domain(const DomainSpec& spec, const PreparedDomain& prepared) {
        Domain domain;
        domain.name = spec.name.value;
        domain.domid = hv::DomainId{spec.domid ? spec.domid->value : uint16_t{0}};
        domain.uuid = uuid_of(spec);
        domain.type = spec.type.value;
        domain.p2m = spec.p2m.value_or(P2mOrder::Identity);
        domain.vcpu_count = spec.vcpu_count;
        domain.memory_bytes = spec.memory_bytes.value;
        domain.max_memory_bytes = spec.max_memory_bytes.value;
        for (const auto& role : spec.roles) {
            domain.roles.add(role.value);
        }
        domain.cpuid = spec.cpuid;
        domain.kernel = artifact(prepared.kernel, spec.kernel->place);
        if (prepared.initrd) {
            domain.initrd = artifact(*prepared.initrd, spec.initrd->place);
        }
        domain.cmdline = spec.cmdline;
        domain.expected_end = spec.expected_end;
        add_order(domain, spec);
        add_devices(domain, spec);
        domain.path = keep(spec.place.pointer);
        return domain;
    }

    // Not too many to wait for, which check_order has seen to.
    static void add_order(Domain& domain, const DomainSpec& spec) {
        for (const At<std::string>& name : spec.after) {
            static_cast<void>(domain.after.push(name.value));
        }
        domain.ready = {spec.ready.when.value, spec.ready.path, spec.ready.text,
                        spec.ready.timeout_ms};
        domain.on_failure = spec.on_failure.value;
        domain.on_crash = spec.on_crash.value;
        domain.start_unmeasured = spec.start_unmeasured.value;
    }

    // There are not too many, which check_devices has seen to.
    void add_devices(Domain& domain, const DomainSpec& spec) {
        for (const DiskSpec& disk : spec.disks) {
            static_cast<void>(domain.disks.push(
                {disk.vdev.value, disk.backend.value, disk.target.value, disk.mode}));
        }
        for (size_t i = 0; i < spec.nets.size(); ++i) {
            const NetSpec& net = spec.nets[i];
            static_cast<void>(domain.nets.push(
                {net.backend.value,
                 net.bridge.value.empty() ? default_bridge : std::string_view{net.bridge.value},
                 mac_of(spec, i)}));
        }
        for (const ChannelSpec& channel : spec.channels) {
            static_cast<void>(domain.channels.push(
                {channel.name.value, backend_of(manifest_, spec, channel), channel.end}));
        }
    }

    // A service for all others; no manifest describes it.
    Domain service(std::string_view name, Role role, const Bytes& program) {
        Domain domain;
        domain.name = name;
        domain.uuid = derive_uuid(name);
        domain.roles.add(role);
        domain.expected_end = ExpectedEnd::Never;
        domain.memory_bytes = domain.max_memory_bytes = small_service_bytes;
        domain.kernel.module_index = module_of(std::string{name}, program, manifest_.domains_place);
        domain.kernel.name = name;
        domain.kernel.source = keep(std::string{name} + ".elf");
        domain.kernel.size_bytes = program.size();
        return domain;
    }

    // What the Xenstore service starts with, and memory for that and for all whom it serves. The
    // tree says how much memory that is, so its size is known only nearly.
    void give_tree(Domain& service) {
        const auto compile = [this] {
            return launch::xenstore::to_module(launch::xenstore::initial_tree(graph_));
        };
        constexpr uint64_t difference = hv::page_size;
        service.memory_bytes = hv::abi::xenstore_own_bytes +
                               (graph_.domains.size() - 1) * hv::abi::xenstore_bytes_per_domain +
                               hv::align_up(compile().size() + difference, uint64_t{1} << 20);
        service.max_memory_bytes = service.memory_bytes;
        const Bytes tree = compile();
        service.initrd.emplace();
        service.initrd->module_index = module_of("xenstore-tree", tree, manifest_.domains_place);
        service.initrd->name = "xenstore-tree";
        service.initrd->source = "the manifest";
        service.initrd->size_bytes = tree.size();
    }

    void add(const Domain& domain, const Place& place) {
        for (const Domain& other : graph_.domains) {
            if (other.name == domain.name || other.uuid == domain.uuid) {
                diagnostics_.add(
                    place,
                    "name or uuid of " + quote(domain.name) + " are also those of " +
                        (other.path.empty() ? "a service" : std::string{other.path}),
                    "expected different ones; \"console\", \"xenstore\" and \"launcher\" are "
                    "services unless a domain has that role");
                return;
            }
        }
        if (!graph_.domains.push(domain).ok()) {
            diagnostics_.add(place, "with the services this is one domain too many",
                             "expected at most " + std::to_string(max_domains) + " in all");
        }
    }

    // The lowest free ones in manifest order, as the decoder would give them.
    void assign_domids() {
        const auto taken = [this](uint16_t n) {
            return std::any_of(graph_.domains.begin(), graph_.domains.end(),
                               [n](const Domain& d) { return d.domid.value() == n; });
        };
        uint16_t next = 1;
        for (Domain& domain : graph_.domains) {
            while (domain.domid.value() == 0) {
                domain.domid = taken(next) ? hv::DomainId{} : hv::DomainId{next};
                ++next;
            }
        }
    }

    // What is written must be what is read on the machine, so the plan goes through the decoder.
    void finish() {
        plan_.machine = manifest_.machine;
        plan_.modules[0].bytes = encode(graph_);
        const auto decoded = decode(plan_.modules[0].bytes, plan_.graph);
        if (!decoded.ok()) {
            const DecodeError& error = decoded.error();
            throw std::logic_error{
                "our own launch control module is refused: " + std::string{error.path.view()} +
                " " + std::string{error.property.view()} + ": " +
                std::string{to_string(error.reason)}};
        }
    }

    const Manifest& manifest_;
    Diagnostics& diagnostics_;
    std::deque<std::string> strings_;  // what the graph views until it is encoded
    LaunchGraph graph_;
    Plan plan_;
};

}  // namespace

Plan assemble(const Manifest& manifest, const std::vector<PreparedDomain>& prepared,
              Services services, Diagnostics& diagnostics) {
    return Assembler{manifest, diagnostics}.run(prepared, std::move(services));
}

void check_machine_memory(const Manifest& manifest, const Plan& plan, Diagnostics& diagnostics) {
    if (!manifest.machine.memory_bytes) {
        return;
    }
    // The most is needed while domB works, beside the modules and with a copy of each; or after
    // that, when both are free again and domains take up to their maxima.
    uint64_t at_launch = 0;
    uint64_t later = 0;
    for (const Domain& domain : plan.graph.domains) {
        at_launch += domain.memory_bytes;
        later += domain.max_memory_bytes;
    }
    for (const Module& module : plan.modules) {
        at_launch += 2 * hv::align_up(module.bytes.size(), hv::page_size);
    }
    const uint64_t needed = hypervisor_allowance + std::max(at_launch, later);
    if (needed > *manifest.machine.memory_bytes) {
        diagnostics.add(
            manifest.domains_place,
            "domains, modules and hypervisor need about " +
                format_size(hv::align_up(needed, uint64_t{1} << 20)),
            "expected at most the machine's " + format_size(*manifest.machine.memory_bytes));
    }
}

}  // namespace launch::model
