// SPDX-License-Identifier: Apache-2.0
#include "measure/replay/reference.hpp"

#include "measure/replay/pcrs.hpp"
#include "measure/tcg/log.hpp"

#include <algorithm>

namespace measure {

std::string_view to_string(Subject subject) {
    switch (subject) {
        case Subject::Hypervisor:
            return "hypervisor";
        case Subject::Lcm:
            return "launch.lcm";
        case Subject::Builder:
            return "builder";
        case Subject::Configuration:
            return "configuration";
        case Subject::Kernel:
            return "kernel";
        case Subject::Initrd:
            return "initrd";
        case Subject::Mirror:
            return "mirror";
        case Subject::Cap:
            return "separator";
    }
    return "?";
}

namespace {

bool has_events(const ReferenceValues& values, const std::string& domain) {
    const auto is_about = [&](Subject subject) {
        return std::any_of(
            values.events.begin(), values.events.end(),
            [&](const ReferenceEvent& e) { return e.subject == subject && e.domain == domain; });
    };
    return is_about(Subject::Configuration) && is_about(Subject::Kernel);
}

// The last event of the PCR says that nothing follows.
bool is_capped(const ReferenceValues& values, hv::PcrIndex pcr) {
    const auto last = std::find_if(values.events.rbegin(), values.events.rend(),
                                   [&](const ReferenceEvent& e) { return e.pcr == pcr; });
    return last != values.events.rend() && last->type == EventType::EV_SEPARATOR &&
           last->data == std::vector<std::byte>(sizeof(Separator));
}

}  // namespace

std::optional<std::string> find_fault(const ReferenceValues& values) {
    for (const std::string& domain : values.domains) {
        if (!has_events(values, domain)) {
            return "no configuration or no kernel of domain " + domain;
        }
    }
    std::vector<hv::PcrIndex> plan{values.text_pcr, values.blobs_pcr};
    if (values.mirror) {
        plan.push_back(values.mirror_pcr);
    }
    for (const hv::PcrIndex pcr : plan) {
        if (!is_capped(values, pcr)) {
            return "PCR " + std::to_string(pcr.value()) + " is not capped";
        }
    }
    PcrValues totals;
    for (const ReferenceEvent& e : values.events) {
        extend_pcr(totals, e.pcr, e.digests);
    }
    if (totals != values.pcrs) {
        return "the PCRs are not what the events add up to";
    }
    return std::nullopt;
}

ReferenceValues without_mirror(const ReferenceValues& values) {
    ReferenceValues plain = values;
    plain.mirror = false;
    plain.pcrs.erase(values.mirror_pcr);
    std::erase_if(plain.events,
                  [&](const ReferenceEvent& e) { return e.pcr == values.mirror_pcr; });
    for (size_t i = 0; i < plain.events.size(); ++i) {
        plain.events[i].index = i + 1;
    }
    return plain;
}

std::vector<std::byte> to_log(const ReferenceValues& values, BankSet banks) {
    size_t size = log_header_bytes(banks) + log_spare_bytes;
    for (const ReferenceEvent& e : values.events) {
        size += log_event_bytes(banks, e.data.size());
    }
    std::vector<std::byte> area(size);
    LogWriter log{area};
    bool fits = log.start(banks).ok();
    for (const ReferenceEvent& e : values.events) {
        const DigestSet digests = e.digests.only(banks);
        fits = fits && log.append({e.pcr, e.type, digests, e.data}).ok();
    }
    ASSERT(fits);
    area.resize(log.used());
    return area;
}

}  // namespace measure
