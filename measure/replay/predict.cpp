// SPDX-License-Identifier: Apache-2.0
#include "measure/replay/predict.hpp"

#include "launch-config/binding/canonical.hpp"
#include "measure/replay/pcrs.hpp"
#include "measure/tcg/launch_events.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace measure {
namespace {

// Receives the events of the recorder, each with the explanation that was set before it.
class ReferenceSink {
  public:
    struct Error {};
    explicit ReferenceSink(ReferenceValues& values) : values_{values} {}

    ReferenceEvent about;  // subject, domain, path and source of the next events

    hv::Result<void, Error> record(const Event& event) {
        ReferenceEvent e = about;
        e.index = values_.events.size() + 1;
        e.pcr = event.pcr;
        e.type = event.type;
        e.digests = event.digests;
        e.data.assign(event.data.begin(), event.data.end());
        if (event.pcr == values_.mirror_pcr && event.type == EventType::EV_EVENT_TAG) {
            e.subject = Subject::Mirror;
        }
        values_.events.push_back(std::move(e));
        return hv::Ok{};
    }

  private:
    ReferenceValues& values_;
};

class Predictor {
  public:
    Predictor(const PredictionInput& input, ReferenceValues& values)
        : input_{input},
          sink_{values},
          recorder_{sink_, {.pcrs = input.graph.pcrs, .banks = all_banks, .mirror = input.mirror}} {
    }

    void run() {
        hypervisor();
        for (const launch::Domain& domain : input_.graph.domains) {
            add(domain);
        }
        sink_.about = {};
        sink_.about.subject = Subject::Cap;
        must(recorder_.separator(Separator::Capped));
    }

  private:
    // The sink never fails.
    static void must(const hv::Result<void, ReferenceSink::Error>& r) { ASSERT(r.ok()); }

    [[nodiscard]] std::span<const std::byte> bytes(const launch::Artifact& artifact) const {
        ASSERT(artifact.module_index < input_.modules.size());
        return input_.modules[artifact.module_index];
    }

    // Computed once for a module that several domains use.
    const DigestSet& digests(const launch::Artifact& artifact) {
        std::optional<DigestSet>& known = digests_[artifact.module_index];
        if (!known) {
            known = hash(all_banks, bytes(artifact));
        }
        return *known;
    }

    void hypervisor() {
        std::vector<char> buffer(launch::max_hypervisor_text_bytes);
        hv::Text text{buffer};
        launch::write_hypervisor_text(input_.graph, input_.graph.hypervisor_cmdline,
                                      launch::Root::None, text);
        ASSERT(!text.truncated());
        sink_.about.subject = Subject::Hypervisor;
        must(recorder_.hypervisor_text(text.view()));

        const auto lcm = input_.modules[0];
        sink_.about = {};
        sink_.about.subject = Subject::Lcm;
        must(recorder_.blob(lcm_hint(lcm.size()), hash(all_banks, lcm)));

        const launch::Artifact& builder = input_.graph.builder;
        sink_.about.subject = Subject::Builder;
        sink_.about.source = builder.source;
        must(recorder_.blob(builder_hint(builder, bytes(builder).size()), digests(builder)));
    }

    void blob(Subject subject, BlobKind kind, const launch::Domain& domain,
              const launch::Artifact& artifact) {
        sink_.about.subject = subject;
        if (!domain.path.empty()) {  // else not in the manifest: a service
            sink_.about.path = std::string{domain.path} + "/" + std::string{to_name(kind)};
        }
        sink_.about.source = artifact.source;
        must(recorder_.blob(domain_hint(kind, domain, artifact, bytes(artifact).size()),
                            digests(artifact)));
    }

    void add(const launch::Domain& domain) {
        launch::ArtifactDigests measured{.kernel = sha256(digests(domain.kernel)), .initrd = {}};
        if (domain.initrd) {
            measured.initrd = sha256(digests(*domain.initrd));
        }
        std::vector<char> buffer(launch::max_domain_text_bytes);
        hv::Text text{buffer};
        launch::write_domain_text(domain, measured, text);
        ASSERT(!text.truncated());

        sink_.about = {};
        sink_.about.subject = Subject::Configuration;
        sink_.about.domain = domain.name;
        sink_.about.path = domain.path;
        must(recorder_.domain_text(text.view()));
        blob(Subject::Kernel, BlobKind::Kernel, domain, domain.kernel);
        if (domain.initrd) {
            blob(Subject::Initrd, BlobKind::Initrd, domain, *domain.initrd);
        }
    }

    static launch::Sha256 sha256(const DigestSet& digests) {
        launch::Sha256 value{};
        const auto bytes = digests.get(Algorithm::Sha256);
        std::copy(bytes.begin(), bytes.end(), value.begin());
        return value;
    }

    const PredictionInput& input_;
    std::map<uint32_t, std::optional<DigestSet>> digests_;  // by module index
    ReferenceSink sink_;
    LaunchRecorder<ReferenceSink> recorder_;
};

}  // namespace

ReferenceValues predict(const PredictionInput& input) {
    const launch::PcrPlan& plan = input.graph.pcrs;
    ReferenceValues values;
    values.banks = all_banks;
    values.mirror = input.mirror;
    values.text_pcr = plan.text;
    values.blobs_pcr = plan.blobs;
    values.mirror_pcr = plan.mirror;
    for (const launch::Domain& domain : input.graph.domains) {
        values.domains.emplace_back(domain.name);
    }
    Predictor{input, values}.run();
    for (const ReferenceEvent& e : values.events) {
        extend_pcr(values.pcrs, e.pcr, e.digests);
    }
    return values;
}

}  // namespace measure
