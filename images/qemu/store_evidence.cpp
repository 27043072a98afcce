// SPDX-License-Identifier: Apache-2.0
#include "images/qemu/store_evidence.hpp"

#include "images/qemu/read_launch.hpp"

#include <algorithm>

namespace images {

std::optional<uint16_t> evidence_domain(const BootSet& set) {
    const Launch launch = read_launch(set);
    if (launch.graph == nullptr) {
        return std::nullopt;
    }
    const auto& domains = launch.graph->domains;
    const auto* const found = std::find_if(domains.begin(), domains.end(), [](const auto& domain) {
        return domain.roles.has(::launch::Role::Tpm);
    });
    return found == domains.end() ? std::nullopt : std::optional{found->domid.value()};
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

Outcome<void> store_evidence(BootReport& report, std::optional<uint16_t> carrier) {
    for (const auto& [domid, domain] : report.transcript.record().domains()) {
        const EvidenceExtractor* evidence = report.transcript.evidence(domid);
        if (evidence == nullptr || (evidence->blocks().empty() && evidence->faults().empty())) {
            continue;
        }
        for (const std::string& fault : evidence->faults()) {
            report.evidence_faults.push_back(domain.name + ": " + fault);
        }
        if (carrier.value_or(domid) != domid) {
            report.evidence_faults.push_back(domain.name + ": its evidence is ignored: domain " +
                                             std::to_string(*carrier) + " carries it");
            continue;
        }
        carrier = domid;
        for (const Evidence& block : evidence->blocks()) {
            TRY(report.output.write_evidence(block.name, block.bytes));
            report.evidence.push_back(block.name);
        }
    }
    const auto& domains = report.transcript.record().domains();
    if (const auto at = carrier ? domains.find(*carrier) : domains.end(); at != domains.end()) {
        note_missing(report, at->second);
    }
    if (report.run.swtpm_pcrs) {
        TRY(report.output.write_evidence("swtpm-pcrs", *report.run.swtpm_pcrs));
        report.evidence.push_back("swtpm-pcrs");
    }
    return hv::Ok{};
}

}  // namespace images
