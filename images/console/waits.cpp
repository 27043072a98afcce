// SPDX-License-Identifier: Apache-2.0
#include "images/console/waits.hpp"

#include <algorithm>
#include <iomanip>
#include <sstream>

namespace images {

namespace {

std::vector<Awaited> split(std::string_view names) {
    std::vector<Awaited> list;
    std::istringstream text{std::string{names}};
    for (std::string name; std::getline(text, name, ',');) {
        list.push_back({.name = name});
    }
    return list;
}

const DomainRecord* find_domain(const LaunchRecord& record, const RecordEvent& event) {
    for (const auto& [domid, domain] : record.domains()) {
        if (event.value("domid") == std::to_string(domid)) {
            return &domain;
        }
    }
    return nullptr;
}

// What comes first counts: one that is late and ignored may be ready later.
void note(std::vector<Wait>& waits, const RecordEvent& event, bool failed) {
    for (Wait& wait : waits) {
        for (Awaited& awaited : wait.awaited) {
            if (awaited.name == event.value("name") && !awaited.at_ns) {
                awaited.at_ns = event.t_ns;
                awaited.failed = failed;
                awaited.when = event.value("when");
            }
        }
    }
}

double to_seconds(uint64_t ns) {
    return static_cast<double>(ns) / 1e9;
}

}  // namespace

std::vector<Wait> find_waits(const LaunchRecord& record) {
    std::vector<Wait> waits;
    for (const RecordEvent& event : record.events()) {
        const DomainRecord* const domain = find_domain(record, event);
        if (domain == nullptr) {
            continue;
        }
        if (event.event == "domain-waiting") {
            waits.push_back({.domid = domain->domid,
                             .name = domain->name,
                             .from_ns = event.t_ns,
                             .awaited = split(event.value("after"))});
        } else if (event.event == "domain-ready" || event.event == "domain-failed") {
            note(waits, event, event.event == "domain-failed");
        } else if (event.event == "domain-started") {
            for (Wait& wait : waits) {
                if (wait.domid == domain->domid && !wait.until_ns) {
                    wait.until_ns = event.t_ns;
                }
            }
        }
    }
    return waits;
}

std::string to_text(const Wait& wait) {
    std::ostringstream text;
    text << std::fixed;
    if (wait.until_ns) {
        const uint64_t until = std::max(*wait.until_ns, wait.from_ns);
        text << std::setprecision(3) << "waited " << to_seconds(until - wait.from_ns) << " s ("
             << to_seconds(wait.from_ns) << " s to " << to_seconds(until) << " s)";
    } else {
        text << "never started: it waited";
    }
    std::string_view between = " for ";
    for (const Awaited& awaited : wait.awaited) {
        text << between << awaited.name << " ("
             << (awaited.failed  ? "failed"
                 : awaited.at_ns ? awaited.when
                                 : "not ready")
             << ')';
        between = ", ";
    }
    return text.str();
}

}  // namespace images
