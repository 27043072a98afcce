// SPDX-License-Identifier: Apache-2.0
// The same report for programs: times in nanoseconds, "arrived" since QEMU was started, "t_ns"
// since the hypervisor started its clock.
#include "images/console/waits.hpp"
#include "images/qemu/boot_report.hpp"

#include <nlohmann/json.hpp>

namespace images {

namespace {

using Json = nlohmann::ordered_json;

int64_t since_start(const BootReport& report, BootOutput::Time time) {
    return std::chrono::nanoseconds{time - report.run.begin}.count();
}

Json timeline(const BootReport& report) {
    Json list = Json::array();
    const auto& events = report.transcript.record().events();
    const auto& arrivals = report.output.event_arrivals();
    for (size_t i = 0; i < events.size(); ++i) {
        Json entry{{"t_ns", events[i].t_ns},
                   {"arrived_ns", since_start(report, arrivals[i])},
                   {"event", events[i].event}};
        for (const auto& [key, value] : events[i].values) {
            entry["values"][key] = printable(value);
        }
        list.push_back(std::move(entry));
    }
    return list;
}

Json domains(const BootReport& report) {
    Json list = Json::array();
    for (const auto& [id, domain] : report.transcript.record().domains()) {
        const std::string stream = report.transcript.stream_of_domain(id);
        list.push_back(Json{{"domid", id},
                            {"name", printable(domain.name)},
                            {"outcome", domain.outcome},
                            {"reason", printable(domain.reason)},
                            {"path", printable(domain.path)},
                            {"started", domain.started},
                            {"how", domain.how},
                            {"expected", domain.expected},
                            {"last_line", printable(report.transcript.last_line(stream))}});
    }
    return list;
}

Json to_json(const std::optional<uint64_t>& time) {
    return time ? Json(*time) : Json();
}

Json waits(const BootReport& report) {
    Json list = Json::array();
    for (const Wait& wait : find_waits(report.transcript.record())) {
        Json awaited = Json::array();
        for (const Awaited& other : wait.awaited) {
            awaited.push_back(Json{{"name", printable(other.name)},
                                   {"when", printable(other.when)},
                                   {"failed", other.failed},
                                   {"t_ns", to_json(other.at_ns)}});
        }
        list.push_back(Json{{"domid", wait.domid},
                            {"name", printable(wait.name)},
                            {"from_t_ns", wait.from_ns},
                            {"until_t_ns", to_json(wait.until_ns)},
                            {"for", std::move(awaited)}});
    }
    return list;
}

// They are gone by now; each channel's log stays.
Json outlets(const BootReport& report) {
    Json list = Json::array();
    for (const auto& outlet : report.outlets.descriptions()) {
        list.push_back(Json{{"domain", printable(outlet.console.domain)},
                            {"channel", printable(outlet.console.channel)},
                            {"connection", to_string(outlet.console.end)},
                            {"link", outlet.link.string()}});
    }
    return list;
}

Json marks(const BootReport& report) {
    Json list = Json::array();
    for (const auto& mark : report.output.marks()) {
        list.push_back(Json{{"arrived_ns", since_start(report, mark.arrived)},
                            {"stream", printable(mark.stream)},
                            {"line", printable(mark.line)}});
    }
    return list;
}

Json dropped_marks(const BootReport& report) {
    Json list = Json::array();
    for (const auto& [stream, count] : report.output.dropped_marks()) {
        list.push_back(Json{{"stream", printable(stream)}, {"count", count}});
    }
    return list;
}

}  // namespace

std::string report_to_json(const BootReport& report) {
    const Json json{{"status", report.status()},
                    {"emulator", report.run.emulator},
                    {"duration_ns", report.run.duration.count()},
                    {"directory", report.output.directory().string()},
                    {"domains", domains(report)},
                    {"outlets", outlets(report)},
                    {"timeline", timeline(report)},
                    {"waits", waits(report)},
                    {"marks", marks(report)},
                    {"dropped_marks", dropped_marks(report)},
                    {"evidence", report.evidence},
                    {"evidence_faults", report.evidence_faults},
                    {"last_stream", printable(report.transcript.last_stream())}};
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace images
