// SPDX-License-Identifier: Apache-2.0
#include "measure/replay/reference.hpp"

#include "measure/tcg/log.hpp"

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
