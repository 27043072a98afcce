// SPDX-License-Identifier: Apache-2.0
#include "images/qemu/store_evidence.hpp"

#include "images/qemu/read_launch.hpp"

#include <algorithm>
#include <string>

namespace images {

namespace {

// hv starts its log when it has a TPM, and keeps that back if it cannot be capped after a failure.
bool has_tpm(const LaunchRecord& record) {
    const auto& events = record.events();
    const bool is_measured = std::any_of(events.begin(), events.end(), [](const RecordEvent& e) {
        return e.event == "measured-hv";
    });
    const bool is_kept_back = std::any_of(events.begin(), events.end(), [](const RecordEvent& e) {
        return e.event == "capped" && e.value("ok") == "no";
    });
    return is_measured && !is_kept_back;
}

hv::Err<Failure> nobody(const char* why) {
    return hv::Err{Failure{why}};
}

}  // namespace

Outcome<uint16_t> evidence_domain(const BootSet& set, const LaunchRecord& record) {
    const Launch launch = read_launch(set);
    if (launch.graph == nullptr) {
        return nobody("the launch control module cannot be read");
    }
    const auto& domains = launch.graph->domains;
    const auto* const found = std::find_if(domains.begin(), domains.end(), [](const auto& domain) {
        return domain.roles.has(::launch::Role::Tpm);
    });
    if (found == domains.end()) {
        return nobody("no domain has the role tpm");
    }
    if (!has_tpm(record)) {
        return nobody("the hypervisor has given the TPM to nobody");
    }
    return found->domid.value();
}

namespace {

// What a verdict needs, and the domain with the TPM has not delivered.
void note_missing(BootReport& report, const DomainRecord& carrier) {
    for (const char* name : {"log", "pcrs"}) {
        if (std::find(report.evidence.begin(), report.evidence.end(), name) ==
            report.evidence.end()) {
            report.evidence_faults.push_back(carrier.name + ": delivered no \"" + name +
                                             "\" on its console: nothing to verify");
        }
    }
}

}  // namespace

Outcome<void> store_evidence(BootReport& report, const Outcome<uint16_t>& carrier) {
    const std::string why = carrier.ok()
                                ? "domain " + std::to_string(carrier.value()) + " carries it"
                                : carrier.error().message;
    const auto& domains = report.transcript.record().domains();
    for (const auto& [domid, domain] : domains) {
        const EvidenceExtractor* evidence = report.transcript.evidence(domid);
        if (evidence == nullptr || (evidence->blocks().empty() && evidence->faults().empty())) {
            continue;
        }
        for (const std::string& fault : evidence->faults()) {
            report.evidence_faults.push_back(domain.name + ": " + fault);
        }
        if (!carrier.ok() || carrier.value() != domid) {
            report.evidence_faults.push_back(domain.name + ": its evidence is ignored: " + why);
            continue;
        }
        for (const Evidence& block : evidence->blocks()) {
            TRY(report.output.write_evidence(block.name, block.bytes));
            report.evidence.push_back(block.name);
        }
    }
    if (carrier.ok() && domains.count(carrier.value()) != 0) {
        note_missing(report, domains.at(carrier.value()));
    }
    if (report.run.swtpm_pcrs) {
        TRY(report.output.write_evidence("swtpm-pcrs", *report.run.swtpm_pcrs));
        report.evidence.push_back("swtpm-pcrs");
    }
    return hv::Ok{};
}

}  // namespace images
