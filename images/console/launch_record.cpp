// SPDX-License-Identifier: Apache-2.0
#include "images/console/launch_record.hpp"

#include <algorithm>
#include <charconv>

namespace images {

namespace {

template <class T>
std::optional<T> parse_number(std::string_view text, int base = 10) {
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return value;
}

std::optional<std::string> percent_decode(std::string_view text) {
    std::string decoded;
    while (!text.empty()) {
        if (text.front() != '%') {
            decoded += text.front();
            text.remove_prefix(1);
            continue;
        }
        const auto byte = parse_number<uint8_t>(text.substr(1, 2), 16);
        if (text.size() < 3 || !byte) {
            return std::nullopt;
        }
        decoded += static_cast<char>(*byte);
        text.remove_prefix(3);
    }
    return decoded;
}

// "key=value"; the key is one or more of a-z, 0-9 and "_".
std::optional<std::pair<std::string, std::string>> parse_pair(std::string_view word) {
    const size_t equals = word.find('=');
    if (equals == 0 || equals == std::string_view::npos) {
        return std::nullopt;
    }
    const std::string_view key = word.substr(0, equals);
    const bool is_key = std::all_of(key.begin(), key.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    });
    auto value = percent_decode(word.substr(equals + 1));
    if (!is_key || !value) {
        return std::nullopt;
    }
    return std::pair{std::string{key}, *std::move(value)};
}

std::optional<uint16_t> domid_of(const RecordEvent& event) {
    return parse_number<uint16_t>(event.value("domid"));
}

}  // namespace

std::string_view RecordEvent::value(std::string_view key) const {
    for (const auto& [name, text] : values) {
        if (name == key) {
            return text;
        }
    }
    return {};
}

std::optional<RecordEvent> parse_record_line(std::string_view line) {
    std::vector<std::pair<std::string, std::string>> pairs;
    for (bool more = true; more;) {
        const size_t space = line.find(' ');
        more = space != std::string_view::npos;
        auto pair = parse_pair(line.substr(0, space));
        if (!pair) {
            return std::nullopt;
        }
        pairs.push_back(*std::move(pair));
        line.remove_prefix(more ? space + 1 : line.size());
    }
    if (pairs.size() < 2 || pairs[0].first != "t_ns" || pairs[1].first != "event") {
        return std::nullopt;
    }
    const auto t_ns = parse_number<uint64_t>(pairs[0].second);
    if (!t_ns || pairs[1].second.empty()) {
        return std::nullopt;
    }
    RecordEvent event{.t_ns = *t_ns, .event = std::move(pairs[1].second), .values = {}};
    event.values.assign(std::make_move_iterator(pairs.begin() + 2),
                        std::make_move_iterator(pairs.end()));
    return event;
}

std::optional<RecordEvent> LaunchRecord::add(std::string_view line) {
    auto event = parse_record_line(line);
    if (!event) {
        ++malformed_;
        return std::nullopt;
    }
    apply(*event);
    events_.push_back(*event);
    return event;
}

void LaunchRecord::apply(const RecordEvent& event) {
    if (event.event == "machine-off") {
        machine_off_ = event.value("status");
        return;
    }
    const auto domid = domid_of(event);
    if (!domid) {
        return;
    }
    if (event.event == "domain-created") {
        domains_[*domid] = DomainRecord{.domid = *domid, .name = std::string{event.value("name")}};
        return;
    }
    const auto found = domains_.find(*domid);
    if (found == domains_.end()) {
        return;
    }
    DomainRecord& domain = found->second;
    if (event.event == "domain-built") {
        domain.outcome = event.value("outcome");
        domain.reason = event.value("reason");
        domain.path = event.value("path");
    } else if (event.event == "domain-started") {
        domain.started = true;
    } else if (event.event == "domain-ended") {
        domain.how = event.value("how");
        domain.expected = event.value("expected") == "yes";
    }
}

const DomainRecord* LaunchRecord::find_source(uint8_t source) const {
    for (const auto& [domid, domain] : domains_) {
        if ((domid & 0xff) == source) {
            return &domain;
        }
    }
    return nullptr;
}

}  // namespace images
