// SPDX-License-Identifier: Apache-2.0
#include "measure/replay/report.hpp"

#include "measure/replay/digests_json.hpp"
#include "measure/replay/event_name.hpp"
#include "measure/replay/hex.hpp"
#include "measure/replay/printable.hpp"

#include <optional>
#include <sstream>

namespace measure {
namespace {

using Json = nlohmann::ordered_json;

// The text of an EV_EVENT_TAG of ours.
std::optional<std::string> tag_text(const RawEvent& event) {
    hv::Reader in{event.claimed_data};
    auto id = in.read_le<uint32_t>();
    auto size = in.read_le<uint32_t>();
    if (event.claimed_type != EventType::EV_EVENT_TAG || !id.ok() || !size.ok() ||
        size.value() != in.left()) {
        return std::nullopt;
    }
    const auto known = static_cast<TagId>(id.value());
    if (known != TagId::Blob && known != TagId::Mirror) {
        return std::nullopt;
    }
    return printable(in.take(in.left()).take());
}

// The content of an event in one line per line of text.
std::string content(const RawEvent& event, std::string_view indent) {
    std::string out{indent};
    if (const auto tag = tag_text(event)) {
        return out + *tag + "\n";
    }
    if (event.claimed_type != EventType::EV_IPL) {
        return out + "data " + to_hex(event.claimed_data) + "\n";
    }
    std::istringstream lines{printable_lines(event.claimed_data)};
    out.clear();
    for (std::string line; std::getline(lines, line);) {
        out += std::string{indent} + line + "\n";
    }
    return out;
}

}  // namespace

std::string log_to_text(const RawLog& log) {
    std::string out;
    for (const RawEvent& event : log.events()) {
        out += "record " + std::to_string(event.index) + ": PCR " +
               std::to_string(event.pcr.value()) + " " + event_name(event.claimed_type) + "\n";
        for (const Algorithm a : all_algorithms) {
            if (log.banks().has(a)) {
                out += "    " + std::string{to_name(a)} + " " + to_hex(event.digests.get(a)) + "\n";
            }
        }
        if (event.claimed_type == EventType::EV_IPL && !event.data_is_covered) {
            out += "    the digests are not of this text:\n";
        }
        out += content(event, "    | ");
    }
    out += "PCR values that these events add up to:\n";
    for (const auto& [pcr, value] : log.totals()) {
        for (const Algorithm a : all_algorithms) {
            if (value.banks().has(a)) {
                out += "    " + std::string{to_name(a)} + " " + std::to_string(pcr.value()) + " " +
                       to_hex(value.get(a)) + "\n";
            }
        }
    }
    return out;
}

std::string log_to_json(const RawLog& log) {
    Json json;
    json["banks"] = banks_json(log.banks());
    json["events"] = Json::array();
    for (const RawEvent& event : log.events()) {
        Json entry;
        entry["record"] = event.index;
        entry["pcr"] = event.pcr.value();
        entry["type"] = static_cast<uint32_t>(event.claimed_type);
        entry["type-name"] = event_name(event.claimed_type);
        entry["digests"] = digests_json(event.digests);
        entry["data"] = to_hex(event.claimed_data);
        entry["data-is-covered"] = event.data_is_covered;
        if (const auto tag = tag_text(event)) {
            entry["text"] = *tag;
        } else if (event.claimed_type == EventType::EV_IPL) {
            entry["text"] = printable_lines(event.claimed_data);
        }
        json["events"].push_back(std::move(entry));
    }
    json["pcrs"] = pcrs_json(log.totals());
    return json.dump(2) + "\n";
}

std::string verdict_to_text(const Verdict& verdict) {
    std::string out;
    for (const std::string& domain : verdict.domains) {
        const DomainVerdict shown = verdict.of(domain);
        if (shown == DomainVerdict::Matches) {
            out += "domain \"" + printable(domain) + "\": matches\n";
        } else if (shown == DomainVerdict::Unproven) {
            out += "domain \"" + printable(domain) +
                   "\": unproven (nothing of its own differs, but the launch does)\n";
        }
    }
    for (const Difference& difference : verdict.differences) {
        out += to_line(difference) + "\n";
    }
    if (verdict.mirror_absent) {
        out += "mirror: absent (locality 2 was not usable; PCR 20 to 22 are untouched)\n";
    }
    return out + (verdict.matches() ? "verdict: matches (evidence unsigned; hypervisor not "
                                      "measured by firmware)\n"
                                    : "verdict: differs\n");
}

std::string verdict_to_json(const Verdict& verdict) {
    Json json;
    json["verdict"] = verdict.matches() ? "matches" : "differs";
    json["root"] = "none";
    json["evidence"] = "unsigned";
    json["mirror"] = verdict.mirror_absent ? "absent" : "expected";
    json["domains"] = Json::array();
    for (const std::string& domain : verdict.domains) {
        Json entry;
        entry["name"] = printable(domain);
        entry["verdict"] = to_string(verdict.of(domain));
        json["domains"].push_back(std::move(entry));
    }
    json["differences"] = Json::array();
    for (const Difference& d : verdict.differences) {
        Json entry;
        entry["domain"] = printable(d.domain);
        entry["item"] = printable(d.item);
        entry["path"] = printable(d.path);
        entry["expected"] = printable(d.expected);
        entry["found"] = printable(d.found);
        json["differences"].push_back(std::move(entry));
    }
    return json.dump(2) + "\n";
}

}  // namespace measure
