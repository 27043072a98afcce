// SPDX-License-Identifier: Apache-2.0
#include "launch-config/binding/node_reader.hpp"

#include <algorithm>
#include <array>

namespace launch {
namespace {

// Properties of the known dialects whose meaning would change the launch and that this version
// cannot carry out. To skip them silently would start another machine than the one described.
constexpr auto not_implemented = std::to_array<std::string_view>({
    "permissions",
    "functions",
    "mem-min",
    "security-id",
    "passthrough",
    "xen,enhanced",
    "domain-cpupool",
    "xen,domain-p2m-mem-mb",
    "xen,static-mem",
    "direct-map",
    "llc-colors",
    "max_grant_version",
    "max_grant_frames",
    "max_maptrack_frames",
    "trap-unmapped-accesses",
});

constexpr bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

bool is_name(std::string_view s) {
    return !s.empty() && s.size() <= max_name_bytes && is_letter_or_digit(s.front()) &&
           std::all_of(s.begin(), s.end(), [](char c) {
               return is_letter_or_digit(c) || c == '.' || c == '_' || c == '+' || c == '-';
           });
}

NodeReader::NodeReader(fdt::Node node, const NodePath& parent) : node_{node}, path_{parent} {
    path_.append("/").append(node.name());
}

hv::Err<DecodeError> NodeReader::reject(DecodeReason reason, std::string_view property) const {
    return hv::Err{DecodeError{reason, path_, property}};
}

Decoded<std::optional<uint32_t>> NodeReader::u32(std::string_view name) const {
    const auto value = node_.property(name);
    if (!value) {
        return std::optional<uint32_t>{};
    }
    const auto number = fdt::as_u32(*value);
    if (!number) {
        return reject(DecodeReason::Malformed, name);
    }
    return number;
}

Decoded<std::optional<uint64_t>> NodeReader::u64(std::string_view name) const {
    const auto value = node_.property(name);
    if (!value) {
        return std::optional<uint64_t>{};
    }
    const auto number = fdt::as_u64(*value);
    if (!number) {
        return reject(DecodeReason::Malformed, name);
    }
    return number;
}

Decoded<std::optional<std::string_view>> NodeReader::string(std::string_view name) const {
    const auto value = node_.property(name);
    if (!value) {
        return std::optional<std::string_view>{};
    }
    const auto text = fdt::as_string(*value);
    if (!text) {
        return reject(DecodeReason::Malformed, name);
    }
    return text;
}

Decoded<bool> NodeReader::flag(std::string_view name, bool if_absent) const {
    const auto number = TRY(u32(name));
    if (number && *number > 1) {
        return reject(DecodeReason::OutOfRange, name);
    }
    return number ? *number == 1 : if_absent;
}

Decoded<uint32_t> NodeReader::u32_in(std::string_view name, uint32_t low, uint32_t high) const {
    const auto number = TRY(u32(name));
    if (!number) {
        return reject(DecodeReason::Missing, name);
    }
    if (*number < low || *number > high) {
        return reject(DecodeReason::OutOfRange, name);
    }
    return *number;
}

Decoded<std::string_view> NodeReader::text(std::string_view name, size_t max) const {
    const auto value = TRY(string(name)).value_or(std::string_view{});
    if (value.size() > max) {
        return reject(DecodeReason::OutOfRange, name);
    }
    return value;
}

Decoded<void> NodeReader::check_unknown(std::span<const std::string_view> known,
                                        DecodeNotes* notes) const {
    for (const fdt::Property property : node_.properties()) {
        if (std::find(known.begin(), known.end(), property.name) != known.end()) {
            continue;
        }
        if (std::find(not_implemented.begin(), not_implemented.end(), property.name) !=
            not_implemented.end()) {
            return reject(DecodeReason::NotImplemented, property.name);
        }
        if (notes != nullptr) {
            // A full list of notes is no reason to refuse the launch.
            static_cast<void>(notes->push(DecodeNote{path_, property.name}));
        }
    }
    return hv::Ok{};
}

void NodeReader::note_unknown_node(DecodeNotes* notes) const {
    if (notes != nullptr) {
        static_cast<void>(notes->push(DecodeNote{path_, {}}));
    }
}

}  // namespace launch
