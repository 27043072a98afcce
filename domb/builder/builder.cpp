// SPDX-License-Identifier: Apache-2.0
#include "domb/builder/builder.hpp"

#include "domb/builder/construct.hpp"
#include "domb/builder/launcher_plan.hpp"
#include "domb/builder/service_plan.hpp"
#include "hv/base/text.hpp"

#include <algorithm>

namespace builder {
namespace {

using Line = hv::TextOf<480>;  // LaunchRecord takes 512, and hv adds the time

// One artefact, and what is wrong with it before anybody looks inside.
struct Loaded {
    Delivered delivered;
    std::span<const std::byte> contents;
    std::optional<Refusal> problem;
};

std::optional<Refusal> find_problem(const launch::Artifact& artifact, const Module& module) {
    if (!artifact.can_have(module.contents.size())) {
        return Refusal::ModuleSize;
    }
    if (artifact.expected_sha256 &&
        !std::ranges::equal(*artifact.expected_sha256,
                            module.digests.get(measure::Algorithm::Sha256))) {
        return Refusal::DigestDiffers;
    }
    return std::nullopt;
}

hv::Result<Loaded, OutOfMemory> load(Modules& modules, const launch::Artifact& artifact) {
    if (!modules.exists(artifact.module_index)) {
        return Loaded{{artifact, 0, modules.digests_of_nothing()}, {}, Refusal::ModuleMissing};
    }
    const Module& module = *TRY(modules.load(artifact.module_index));
    return Loaded{{artifact, module.contents.size(), module.digests},
                  module.contents,
                  find_problem(artifact, module)};
}

// Values of the launch record have no spaces ([ARCHITECTURE.md]).
void put_value(hv::Text& out, std::string_view value) {
    for (const char c : value) {
        if (c > ' ' && c < 0x7f && c != '%' && c != '=') {
            out.put(c);
        } else {
            out.put('%').hex(static_cast<uint8_t>(c), 2);
        }
    }
}

void record_measured(Hypervisor& hypervisor, const launch::Domain& domain) {
    Line line;
    line.put("event=domain-measured domid=").dec(domain.domid.value()).put(" name=");
    put_value(line, domain.name);
    hypervisor.record(line.view());
}

void record_built(Hypervisor& hypervisor, const launch::Domain& domain,
                  const Checked<void>& result) {
    Line line;
    line.put("event=domain-built domid=").dec(domain.domid.value()).put(" outcome=");
    if (result.ok()) {
        line.put("ready");
    } else {
        line.put("refused reason=").put(to_name(result.error().why)).put(" path=");
        put_value(line, domain.path);
        line.put(result.error().member);
    }
    hypervisor.record(line.view());
}

void print_refused(Hypervisor& hypervisor, const launch::Domain& domain, const Refused& refused) {
    Line line;
    line.put("domain \"").put(domain.name).put("\" (").put(domain.path).put(refused.member);
    line.put(") is refused: ").put(to_name(refused.why)).put("\n");
    hypervisor.print(line.view());
}

// What tells a service what to do; nothing for other domains. It stays until the next call.
std::span<const std::byte> plan_for(const launch::LaunchGraph& graph,
                                    const launch::Domain& domain) {
    static constinit ServicePlanBuffer service_plan{};
    static constinit LauncherPlanBuffer launcher_plan{};
    for (const launch::Role role : {launch::Role::Console, launch::Role::Xenstore}) {
        if (domain.roles.has(role)) {
            return write_service_plan(graph, role, service_plan);
        }
    }
    return domain.roles.has(launch::Role::Launcher) ? write_launcher_plan(graph, launcher_plan)
                                                    : std::span<const std::byte>{};
}

// Measures the domain, then fills it.
Checked<void> prepare(const Job& job, const launch::Domain& domain) {
    const auto out_of_memory = hv::Err{Refused{Refusal::Hypervisor, ""}};
    const auto may_run = [&] {
        return job.measurement.works() || domain.start_unmeasured ||
               job.graph.measurement != launch::Measurement::Required;
    };
    if (!may_run()) {
        return hv::Err{Refused{Refusal::Unmeasured, ""}};  // no need to look at anything
    }
    auto kernel = load(job.modules, domain.kernel);
    if (!kernel.ok()) {
        return out_of_memory;
    }
    std::optional<Loaded> initrd;
    if (domain.initrd) {
        auto loaded = load(job.modules, *domain.initrd);
        if (!loaded.ok()) {
            return out_of_memory;
        }
        initrd.emplace(loaded.take());
    }
    job.measurement.domain(domain, kernel.value().delivered,
                           initrd ? std::optional{initrd->delivered} : std::optional<Delivered>{});
    if (!may_run()) {
        return hv::Err{Refused{Refusal::Unmeasured, ""}};
    }
    if (job.measurement.works()) {
        record_measured(job.hypervisor, domain);
    }
    if (kernel.value().problem) {
        return hv::Err{Refused{*kernel.value().problem, "/kernel"}};
    }
    if (initrd && initrd->problem) {
        return hv::Err{Refused{*initrd->problem, "/initrd"}};
    }
    Contents contents{.kernel = kernel.value().contents};
    if (initrd) {
        contents.initrd = initrd->contents;
    }
    contents.has_console = is_served(job.graph, launch::Role::Console, domain);
    contents.has_xenstore = is_served(job.graph, launch::Role::Xenstore, domain);
    contents.service_plan = plan_for(job.graph, domain);
    if (domain.roles.has(launch::Role::Tpm)) {
        contents.tpm_log_bytes = job.tpm_log_bytes;
    }
    return construct(job.hypervisor, domain, contents, job.tables);
}

// False if the hypervisor does not take the outcome.
bool build_one(const Job& job, const launch::Domain& domain) {
    const Checked<void> result = prepare(job, domain);
    if (result.ok()) {
        record_built(job.hypervisor, domain, result);
        return job.hypervisor.built(domain.domid).ok();
    }
    const Refused& refused = result.error();
    print_refused(job.hypervisor, domain, refused);
    job.measurement.refusal(domain, to_name(refused.why));
    record_built(job.hypervisor, domain, result);
    Line why;
    why.put(domain.path).put(refused.member).put(": ").put(to_name(refused.why));
    return job.hypervisor.refused(domain.domid, why.view()).ok();
}

void print_measure_error(Hypervisor& hypervisor, const std::optional<measure::MeasureError>& e) {
    Line line;
    line.put("measurement has failed: ");
    if (!e) {
        line.put("there is no usable TPM");
    } else if (e->tpm) {
        put(line, *e->tpm);
    } else {
        line.put("the event log is full");
    }
    hypervisor.print(line.put("\n").view());
}

}  // namespace

Outcome build_all(const Job& job) {
    bool accepted = true;
    for (const launch::Domain& domain : job.graph.domains) {
        accepted = build_one(job, domain) && accepted;
    }
    job.measurement.cap();
    const bool measured = job.measurement.works();
    if (!measured && job.graph.measurement != launch::Measurement::Off) {
        print_measure_error(job.hypervisor, job.measurement.error());
    }
    const bool somebody_may_start =
        measured || job.graph.measurement != launch::Measurement::Required ||
        std::ranges::any_of(job.graph.domains, &launch::Domain::start_unmeasured);
    if (!somebody_may_start) {
        return Outcome::Failed;
    }
    if (!accepted || !job.hypervisor.cap(job.measurement.log_used(), measured).ok()) {
        return Outcome::Failed;
    }
    return Outcome::Capped;
}

}  // namespace builder
