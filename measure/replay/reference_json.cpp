// SPDX-License-Identifier: Apache-2.0
// reference.json. Digests are objects with one member per bank, event data is hex, and text stands
// there a second time for people; readers use the hex.
#include "measure/replay/digests_json.hpp"
#include "measure/replay/hex.hpp"
#include "measure/replay/printable.hpp"
#include "measure/replay/reference.hpp"

#include <array>
#include <stdexcept>

#include <nlohmann/json.hpp>

namespace measure {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view format_name = "gantry-reference-1";
constexpr std::array all_subjects{Subject::Hypervisor,    Subject::Lcm,    Subject::Builder,
                                  Subject::Configuration, Subject::Kernel, Subject::Initrd,
                                  Subject::Mirror,        Subject::Cap};

Json to_json(const ReferenceEvent& e) {
    Json json;
    json["index"] = e.index;
    json["pcr"] = e.pcr.value();
    json["type"] = static_cast<uint32_t>(e.type);
    json["subject"] = to_string(e.subject);
    json["domain"] = e.domain;
    json["path"] = e.path;
    json["source"] = e.source;
    json["digests"] = digests_json(e.digests);
    json["data"] = to_hex(e.data);
    if (e.type == EventType::EV_IPL) {
        json["text"] = printable_lines(e.data);
    }
    return json;
}

// From here on: reading. Errors are exceptions of the JSON library or these, caught in one place.
[[noreturn]] void fail(const std::string& what) {
    throw std::runtime_error{what};
}

std::vector<std::byte> bytes_from(const Json& json) {
    auto bytes = from_hex(json.get<std::string>());
    if (!bytes) {
        fail("expected hex digits");
    }
    return *bytes;
}

// The library would take 12.5 and 2^32 + 12 for 12.
uint32_t number_from(const Json& json) {
    if (!json.is_number_unsigned() || json.get<uint64_t>() > UINT32_MAX) {
        fail("expected a number of 32 bits, found " + json.dump());
    }
    return json.get<uint32_t>();
}

hv::PcrIndex pcr_from(const Json& json) {
    const uint32_t number = number_from(json);
    if (number >= pcr_count) {
        fail("there is no PCR " + std::to_string(number));
    }
    return hv::PcrIndex{number};
}

DigestSet digests_from(const Json& json) {
    DigestSet digests;
    for (const auto& [name, value] : json.items()) {
        const auto bank = from_name(name);
        const auto bytes = bytes_from(value);
        if (!bank || bytes.size() != digest_bytes(*bank)) {
            fail("not a digest: " + name);
        }
        digests.set(*bank, bytes);
    }
    return digests;
}

Subject subject_from(const Json& json) {
    const auto name = json.get<std::string>();
    for (const Subject s : all_subjects) {
        if (to_string(s) == name) {
            return s;
        }
    }
    fail("unknown subject " + name);
}

ReferenceEvent event_from(const Json& json) {
    ReferenceEvent e;
    e.index = number_from(json.at("index"));
    e.pcr = pcr_from(json.at("pcr"));
    e.type = static_cast<EventType>(number_from(json.at("type")));
    e.subject = subject_from(json.at("subject"));
    e.domain = json.at("domain").get<std::string>();
    e.path = json.at("path").get<std::string>();
    e.source = json.at("source").get<std::string>();
    e.digests = digests_from(json.at("digests"));
    e.data = bytes_from(json.at("data"));
    return e;
}

ReferenceValues values_from(const Json& json) {
    if (json.at("format") != format_name) {
        fail("not in the form " + std::string{format_name});
    }
    ReferenceValues values;
    for (const Json& name : json.at("banks")) {
        const auto bank = from_name(name.get<std::string>());
        if (!bank) {
            fail("unknown bank");
        }
        values.banks.add(*bank);
    }
    values.mirror = json.at("mirror").get<bool>();
    values.text_pcr = pcr_from(json.at("text-pcr"));
    values.blobs_pcr = pcr_from(json.at("blobs-pcr"));
    values.mirror_pcr = pcr_from(json.at("mirror-pcr"));
    values.domains = json.at("domains").get<std::vector<std::string>>();
    for (const Json& event : json.at("events")) {
        values.events.push_back(event_from(event));
        if (values.events.back().digests.banks() != values.banks) {
            fail("an event without a digest in every bank");
        }
    }
    for (const Json& entry : json.at("pcrs")) {
        const hv::PcrIndex pcr = pcr_from(entry.at("pcr"));
        if (!values.pcrs.emplace(pcr, digests_from(entry.at("digests"))).second) {
            fail("PCR " + std::to_string(pcr.value()) + " stands there twice");
        }
    }
    if (const auto fault = find_fault(values)) {
        fail(*fault);
    }
    return values;
}

}  // namespace

std::string to_json(const ReferenceValues& values) {
    Json json;
    json["format"] = format_name;
    json["banks"] = banks_json(values.banks);
    json["mirror"] = values.mirror;
    json["text-pcr"] = values.text_pcr.value();
    json["blobs-pcr"] = values.blobs_pcr.value();
    json["mirror-pcr"] = values.mirror_pcr.value();
    json["domains"] = values.domains;
    json["events"] = Json::array();
    for (const ReferenceEvent& e : values.events) {
        json["events"].push_back(to_json(e));
    }
    json["pcrs"] = pcrs_json(values.pcrs);
    return json.dump(2) + "\n";
}

hv::Result<ReferenceValues, std::string> reference_from_json(std::string_view text) {
    try {
        return values_from(Json::parse(text));
    } catch (const Json::parse_error&) {
        return hv::Err{std::string{"is not JSON: expected the reference.json of `gantry build`"}};
    } catch (const std::exception& error) {
        return hv::Err{std::string{"not reference values: "} + error.what()};
    }
}

}  // namespace measure
