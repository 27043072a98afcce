// SPDX-License-Identifier: Apache-2.0
#include "measure/replay/explain.hpp"

#include "measure/replay/event_name.hpp"
#include "measure/replay/hex.hpp"

#include <algorithm>
#include <array>
#include <sstream>
#include <utility>

namespace measure {
namespace {

std::string to_string(std::span<const std::byte> data) {
    std::string text;
    for (const std::byte b : data) {
        text += static_cast<char>(b);
    }
    return text;
}

// Where the manifest says what a line of canonical text says. For a domain below its own path, and
// then only where the place is not called like the line.
struct KeyPath {
    std::string_view key;
    std::string_view path;
};
constexpr std::array hypervisor_paths{
    KeyPath{"cmdline", "/hypervisor/cmdline"}, KeyPath{"measurement", "/measurement"},
    KeyPath{"pcr-text", "/pcrs/text"},         KeyPath{"pcr-blobs", "/pcrs/blobs"},
    KeyPath{"pcr-mirror", "/pcrs/mirror"},
};
constexpr std::array domain_paths{
    KeyPath{"domain", "/name"},
    KeyPath{"pv-p2m", "/pv/p2m"},
    KeyPath{"memory-max", "/memory"},
    KeyPath{"cpuid-x2apic", "/cpuid/x2apic"},
    KeyPath{"cpuid-xsave", "/cpuid/xsave"},
    KeyPath{"kernel-expected", "/kernel/sha256"},
    KeyPath{"initrd-expected", "/initrd/sha256"},
    KeyPath{"disk", "/disks"},
    KeyPath{"net", "/nets"},
    KeyPath{"channel", "/channels"},
};

std::string find_path(std::span<const KeyPath> paths, std::string_view key,
                      const std::string& otherwise) {
    const auto found =
        std::find_if(paths.begin(), paths.end(), [&](const KeyPath& k) { return k.key == key; });
    return found == paths.end() ? otherwise : std::string{found->path};
}

std::string path_of(const ReferenceEvent& event, const std::string& key) {
    if (event.subject == Subject::Hypervisor) {
        return find_path(hypervisor_paths, key, {});
    }
    // A domain that is not in the manifest (a service) has no place there.
    return event.path.empty() ? "" : event.path + find_path(domain_paths, key, "/" + key);
}

struct Line {
    std::string key;
    std::string value;
};

std::vector<Line> lines_of(std::span<const std::byte> data) {
    std::vector<Line> lines;
    std::istringstream rest{to_string(data)};
    for (std::string line; std::getline(rest, line);) {
        const size_t space = std::min(line.find(' '), line.size());
        lines.push_back({line.substr(0, space), line.substr(std::min(space + 1, line.size()))});
    }
    return lines;
}

// The value of the first line with this key that is not used yet; the line is then used.
std::string take_value(std::vector<Line>& lines, const std::string& key) {
    const auto found =
        std::find_if(lines.begin(), lines.end(), [&](const Line& line) { return line.key == key; });
    if (found == lines.end()) {
        return "nothing";
    }
    std::string value = found->value;
    lines.erase(found);
    return value;
}

std::vector<Difference> explain_text(const ReferenceEvent& expected, const RawEvent& found) {
    std::vector<Difference> differences;
    std::vector<Line> rest = lines_of(found.claimed_data);
    for (const Line& line : lines_of(expected.data)) {
        const std::string value = take_value(rest, line.key);
        if (value != line.value) {
            differences.push_back(
                {expected.domain, line.key, path_of(expected, line.key), line.value, value});
        }
    }
    for (const Line& line : rest) {
        differences.push_back({expected.domain, line.key, {}, "nothing", line.value});
    }
    return differences;
}

std::string item_of(const ReferenceEvent& event) {
    return std::string{to_string(event.subject)};
}

std::string kind_of(hv::PcrIndex pcr, EventType type) {
    return event_name(type) + " in PCR " + std::to_string(pcr.value());
}

Difference missing(const ReferenceEvent& event) {
    return {event.domain, item_of(event), event.path,
            kind_of(event.pcr, event.type) + ", " + describe(event.digests), "no such event"};
}

Difference unexpected(const RawEvent& event) {
    Difference difference{{}, "record " + std::to_string(event.index), {}, "no such event", {}};
    const std::vector<Line> lines = lines_of(event.claimed_data);
    if (event.claimed_type == EventType::EV_IPL && lines.size() == 2 && lines[0].key == "refused" &&
        lines[1].key == "reason") {
        return {lines[0].value, "refused", {}, "a domain that may run", lines[1].value};
    }
    difference.found = kind_of(event.pcr, event.claimed_type) + ", " + describe(event.digests);
    const std::string label = label_of(event.claimed_type, event.claimed_data);
    if (!label.empty()) {
        difference.found += ", calling itself " + label;
    }
    return difference;
}

std::string separator_name(const std::vector<std::byte>& data) {
    const std::string hex = to_hex(data);
    return hex == "00000000" ? "capped" : (hex == "01000000" ? "error" : "0x" + hex);
}

}  // namespace

std::string describe(const DigestSet& digests) {
    constexpr std::array by_preference{Algorithm::Sha256, Algorithm::Sha384, Algorithm::Sha512,
                                       Algorithm::Sha1};
    for (const Algorithm a : by_preference) {
        if (digests.banks().has(a)) {
            return std::string{to_name(a)} + " " + to_hex(digests.get(a));
        }
    }
    return "no digest";
}

std::vector<Difference> explain(const Pair& pair) {
    if (pair.found == nullptr) {
        return {missing(*pair.expected)};
    }
    if (pair.expected == nullptr) {
        return {unexpected(*pair.found)};
    }
    const ReferenceEvent& expected = *pair.expected;
    const RawEvent& found = *pair.found;
    const DigestSet digests = expected.digests.only(found.digests.banks());
    const bool same_digests = digests == found.digests;
    const std::string item = item_of(expected);
    std::vector<Difference> differences;
    if (expected.pcr != found.pcr || expected.type != found.claimed_type) {
        differences.push_back({expected.domain, item, expected.path,
                               kind_of(expected.pcr, expected.type),
                               kind_of(found.pcr, found.claimed_type)});
    }
    const bool is_text =
        expected.subject == Subject::Hypervisor || expected.subject == Subject::Configuration;
    if (is_text && expected.data != found.claimed_data) {
        differences = explain_text(expected, found);
        if (!found.data_is_covered) {
            differences.push_back({expected.domain, item, expected.path,
                                   "text that its digests cover", "text that they do not cover"});
        }
    } else if (expected.subject == Subject::Cap && expected.data != found.claimed_data) {
        differences.push_back({expected.domain,
                               item,
                               {},
                               separator_name(expected.data),
                               separator_name(found.claimed_data)});
    } else if (expected.data != found.claimed_data && same_digests) {
        differences.push_back({expected.domain, item + " label", expected.path,
                               to_string(expected.data), to_string(found.claimed_data)});
    }
    if (!same_digests && (differences.empty() || !is_text)) {
        differences.push_back(
            {expected.domain, item, expected.path, describe(digests), describe(found.digests)});
    }
    return differences;
}

}  // namespace measure
