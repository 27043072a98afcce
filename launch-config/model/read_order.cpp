// SPDX-License-Identifier: Apache-2.0
#include "launch-config/model/read_order.hpp"

#include "launch-config/binding/canonical.hpp"

#include <array>

namespace launch::model {
namespace {

// In the order of their types.
constexpr std::array<std::string_view, 5> readiness{"started", "serving", "connected", "xenstore",
                                                    "console"};
constexpr std::array<std::string_view, 3> policies{"ignore", "halt", "recovery"};
constexpr std::array<std::string_view, 1> later_policies{"restart"};

void read_after(ObjectReader& reader, DomainSpec& domain) {
    for (const auto& [item, place] : reader.array("after")) {
        if (item->kind == JsonValue::Kind::String) {
            domain.after.push_back({item->string, place});
        } else {
            reader.diagnostics().add(place, "is " + std::string{name_of(item->kind)},
                                     "expected the name of a domain");
        }
    }
}

// A field that only some readiness has: whether it is there and may be.
bool is_there(ObjectReader& reader, std::string_view key, ReadyWhen owner, const ReadySpec& ready) {
    Place place;
    if (reader.member(key, place) == nullptr) {
        return false;
    }
    if (ready.when.value == owner) {
        return true;
    }
    reader.diagnostics().add(
        place,
        "says nothing about a domain that is ready when " + quote(to_string(ready.when.value)),
        "expected it only with " + quote(to_string(owner)));
    return false;
}

// A text of a form; left alone if it is absent, and if it is wrong, which is reported.
void read_text(ObjectReader& reader, std::string_view key, bool (*is_well_formed)(std::string_view),
               std::string_view expected, std::string& out) {
    Place place;
    static_cast<void>(reader.member(key, place));
    const auto text = reader.string(key, 4096);
    if (!text) {
        return;
    }
    if (is_well_formed(*text)) {
        out = *text;
    } else {
        reader.diagnostics().add(place, quote(*text) + " cannot be the " + std::string{key},
                                 "expected " + std::string{expected});
    }
}

void read_timeout(ObjectReader& reader, ReadySpec& ready) {
    Place place;
    if (reader.member("timeout", place) == nullptr) {
        return;
    }
    if (ready.when.value == ReadyWhen::Started) {
        reader.diagnostics().add(place, "a domain is started at once",
                                 "expected no timeout with \"started\"");
        return;
    }
    const auto text = reader.string("timeout", 4096);
    const auto time = text ? parse_duration(*text) : std::nullopt;
    if (time && *time >= 1 && *time <= max_ready_timeout_ms) {
        ready.timeout_ms = static_cast<uint32_t>(*time);
    } else if (text) {
        reader.diagnostics().add(
            place,
            "timeout " + quote(*text) + (time ? " is out of range" : " cannot be understood"),
            "expected a time from \"1ms\" to \"60m\", such as \"30s\"");
    }
}

void read_path(ObjectReader& reader, ReadySpec& ready) {
    if (is_there(reader, "path", ReadyWhen::Xenstore, ready)) {
        read_text(reader, "path", is_ready_path,
                  "\"data\" or what is below it, such as \"data/ready\", of A-Z a-z 0-9 - _ @ /",
                  ready.path);
    } else if (ready.when.value == ReadyWhen::Xenstore) {
        reader.require("path", "a node of the domain, such as \"data/ready\"");
    }
}

void read_pattern(ObjectReader& reader, ReadySpec& ready) {
    constexpr auto is_pattern = [](std::string_view s) { return !s.empty() && is_ready_text(s); };
    constexpr std::string_view expected = "1 to 127 characters of printable ASCII";
    if (is_there(reader, "value", ReadyWhen::Xenstore, ready)) {
        read_text(reader, "value", is_pattern, expected, ready.text);
    }
    if (is_there(reader, "text", ReadyWhen::Console, ready)) {
        read_text(reader, "text", is_pattern, expected, ready.text);
    } else if (ready.when.value == ReadyWhen::Console) {
        reader.require("text", "what a line of its console contains, such as \"login:\"");
    }
}

void read_ready(ObjectReader& domain, ReadySpec& ready) {
    const JsonValue* value = domain.member("ready", ready.place);
    if (value == nullptr) {
        return;
    }
    ObjectReader reader{*value, ready.place.pointer, domain.diagnostics()};
    reader.require("when", list_words(readiness));
    static_cast<void>(reader.member("when", ready.when.place));
    if (const auto when = reader.word("when", readiness)) {
        ready.when.value = static_cast<ReadyWhen>(*when);
        read_path(reader, ready);
        read_pattern(reader, ready);
        read_timeout(reader, ready);
        reader.finish();
    }
}

void read_policy(ObjectReader& domain, std::string_view key, At<Policy>& out) {
    static_cast<void>(domain.member(key, out.place));
    if (const auto word = domain.word(key, policies, later_policies)) {
        out.value = static_cast<Policy>(*word);
    }
}

}  // namespace

void read_order(ObjectReader& domain, DomainSpec& out) {
    read_after(domain, out);
    read_ready(domain, out.ready);
    read_policy(domain, "on-failure", out.on_failure);
    read_policy(domain, "on-crash", out.on_crash);
    static_cast<void>(domain.member("start-unmeasured", out.start_unmeasured.place));
    out.start_unmeasured.value = domain.boolean("start-unmeasured").value_or(false);
}

}  // namespace launch::model
