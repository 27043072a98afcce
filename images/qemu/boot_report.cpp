// SPDX-License-Identifier: Apache-2.0
#include "images/qemu/boot_report.hpp"

#include "images/console/waits.hpp"

#include <algorithm>
#include <iomanip>
#include <sstream>

namespace images {

namespace {

constexpr size_t bar_width = 32;

double to_seconds(uint64_t ns) {
    return static_cast<double>(ns) / 1e9;
}

// The domain an event is about, by name when it is known.
std::string subject_of(const RecordEvent& event, const LaunchRecord& record) {
    const std::string domid{event.value("domid")};
    for (const auto& [id, domain] : record.domains()) {
        if (std::to_string(id) == domid) {
            return domain.name;
        }
    }
    return domid.empty() ? "" : "domain " + domid;
}

std::string details_of(const RecordEvent& event) {
    std::string details;
    for (const auto& [key, value] : event.values) {
        if (key != "domid" && key != "name") {
            details += (details.empty() ? "" : " ") + key + "=" + value;
        }
    }
    return details;
}

std::string bar(uint64_t t_ns, uint64_t total_ns) {
    const size_t at =
        total_ns == 0 ? 0 : std::min<uint64_t>(t_ns * (bar_width - 1) / total_ns, bar_width - 1);
    std::string text(bar_width, '.');
    std::fill_n(text.begin(), at + 1, '=');
    return text;
}

std::string end_of(const DomainRecord& domain) {
    if (domain.outcome == "refused") {
        return "refused: " + domain.reason +
               (domain.path.empty() ? "" : " (" + domain.path + " of the manifest)");
    }
    if (domain.how == "not-started") {
        return std::string{"never started"} + (domain.expected ? "" : ", NOT as expected");
    }
    if (!domain.how.empty()) {
        return "ended by " + domain.how + (domain.expected ? ", as expected" : ", NOT as expected");
    }
    return domain.started ? "still running" : "never started";
}

void describe_failure(const BootReport& report, std::ostream& text) {
    for (const RecordEvent& event : report.transcript.record().events()) {
        if (event.event == "fault") {
            text << "fault: " << printable(details_of(event)) << '\n';
        }
    }
    const std::string& last = report.transcript.last_stream();
    if (!last.empty()) {
        report.output.write_rows(text, "last heard of: " + printable(last) + ": ",
                                 report.transcript.last_line(last));
    }
    for (const auto& [id, domain] : report.transcript.record().domains()) {
        const std::string stream = report.transcript.stream_of_domain(id);
        const std::string line = report.transcript.last_line(stream);
        if (stream != last && !line.empty()) {
            report.output.write_rows(text, "last line of " + printable(stream) + ": ", line);
        }
    }
}

}  // namespace

bool BootReport::is_ok() const {
    return status() == "ok";
}

std::string BootReport::status() const {
    const auto& status = transcript.record().machine_off();
    if (status) {
        return *status == "ok" || *status == "unexpected" ? *status : "failed";
    }
    switch (run.stop) {
        case Stop::TimedOut:
            return "timeout";
        case Stop::Interrupted:
            return "interrupted";
        case Stop::MachineEnded:
            break;
    }
    return "no-verdict";
}

std::string timeline_to_text(const BootReport& report) {
    const LaunchRecord& record = report.transcript.record();
    uint64_t total_ns = 0;
    for (const RecordEvent& event : record.events()) {
        total_ns = std::max(total_ns, event.t_ns);
    }
    std::ostringstream text;
    text << std::fixed << std::setprecision(3);
    for (const RecordEvent& event : record.events()) {
        text << std::right << std::setw(9) << to_seconds(event.t_ns) << " s "
             << bar(event.t_ns, total_ns) << ' ' << std::left << std::setw(16)
             << printable(event.event) << ' ' << std::setw(10)
             << printable(subject_of(event, record)) << ' ' << printable(details_of(event)) << '\n';
    }
    for (const Wait& wait : find_waits(record)) {
        text << std::left << std::setw(10) << printable(wait.name) << ' '
             << printable(to_text(wait)) << '\n';
    }
    return text.str();
}

std::string report_to_text(const BootReport& report) {
    std::ostringstream text;
    for (const auto& [id, domain] : report.transcript.record().domains()) {
        text << std::left << std::setw(10) << printable(domain.name) << ' '
             << printable(end_of(domain)) << '\n';
    }
    for (const std::string& fault : report.evidence_faults) {
        text << printable(fault) << '\n';
    }
    for (const std::string& name : report.evidence) {
        text << "stored " << (report.output.directory() / "evidence" / name).string() << '\n';
    }
    if (!report.is_ok()) {
        describe_failure(report, text);
    }
    if (!report.run.emulator.empty()) {
        text << "emulator: " << report.run.emulator << '\n';
    }
    text << "machine: " << report.status() << '\n';
    return text.str();
}

}  // namespace images
