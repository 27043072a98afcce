// SPDX-License-Identifier: Apache-2.0
#include "launch-config/binding/decode_order.hpp"

#include "launch-config/binding/names.hpp"

#include <algorithm>
#include <array>

namespace launch {
namespace {

Decoded<void> decode_after(const NodeReader& reader, Domain& domain) {
    auto list = reader.node().property(names::after).value_or(std::span<const std::byte>{});
    while (!list.empty()) {
        const auto name = fdt::next_string(list);
        if (!name || !is_name(*name)) {
            return reader.reject(DecodeReason::Malformed, names::after);
        }
        if (std::find(domain.after.begin(), domain.after.end(), *name) != domain.after.end()) {
            return reader.reject(DecodeReason::Duplicate, names::after);
        }
        if (!domain.after.push(*name).ok()) {
            return reader.reject(DecodeReason::TooMany, names::after);
        }
    }
    return hv::Ok{};
}

// One of the words of a type; absent is the first.
template <class T, size_t N>
Decoded<T> word(const NodeReader& reader, std::string_view property, std::array<T, N> words) {
    const auto value = TRY(reader.string(property));
    for (const T candidate : words) {
        if (!value || *value == to_string(candidate)) {
            return candidate;
        }
    }
    return reader.reject(DecodeReason::Malformed, property);
}

Decoded<void> decode_ready_path(const NodeReader& reader, Ready& ready) {
    const auto path = TRY(reader.string(names::ready_path));
    const bool is_wanted = ready.when == ReadyWhen::Xenstore;
    if (path.has_value() != is_wanted) {
        return reader.reject(is_wanted ? DecodeReason::Missing : DecodeReason::Contradiction,
                             names::ready_path);
    }
    if (path && !is_ready_path(*path)) {
        return reader.reject(DecodeReason::Malformed, names::ready_path);
    }
    ready.path = path.value_or(std::string_view{});
    return hv::Ok{};
}

Decoded<void> decode_ready_text(const NodeReader& reader, Ready& ready) {
    const auto text = TRY(reader.string(names::ready_text));
    const bool is_needed = ready.when == ReadyWhen::Console;
    if (text && !is_needed && ready.when != ReadyWhen::Xenstore) {
        return reader.reject(DecodeReason::Contradiction, names::ready_text);
    }
    if (is_needed && text.value_or(std::string_view{}).empty()) {
        return reader.reject(DecodeReason::Missing, names::ready_text);
    }
    if (text && !is_ready_text(*text)) {
        return reader.reject(DecodeReason::Malformed, names::ready_text);
    }
    ready.text = text.value_or(std::string_view{});
    return hv::Ok{};
}

Decoded<void> decode_ready(const NodeReader& reader, Ready& ready) {
    constexpr std::array all{ReadyWhen::Started, ReadyWhen::Serving, ReadyWhen::Connected,
                             ReadyWhen::Xenstore, ReadyWhen::Console};
    ready.when = TRY(word(reader, names::ready_when, all));
    TRY(decode_ready_path(reader, ready));
    TRY(decode_ready_text(reader, ready));
    const auto timeout = TRY(reader.u32(names::ready_timeout));
    if (timeout && ready.when == ReadyWhen::Started) {
        return reader.reject(DecodeReason::Contradiction, names::ready_timeout);
    }
    if (timeout && (*timeout == 0 || *timeout > max_ready_timeout_ms)) {
        return reader.reject(DecodeReason::OutOfRange, names::ready_timeout);
    }
    ready.timeout_ms = timeout.value_or(default_ready_timeout_ms);
    return hv::Ok{};
}

const Domain* find_named(const LaunchGraph& graph, std::string_view name) {
    const auto* const found = std::find_if(graph.domains.begin(), graph.domains.end(),
                                           [name](const Domain& d) { return d.name == name; });
    return found == graph.domains.end() ? nullptr : found;
}

bool has_holder(const LaunchGraph& graph, Role role) {
    return std::any_of(graph.domains.begin(), graph.domains.end(),
                       [role](const Domain& d) { return d.roles.has(role); });
}

template <class Devices>
bool names_backend(const Devices& devices, std::string_view name) {
    return std::any_of(devices.begin(), devices.end(),
                       [name](const auto& device) { return device.backend == name; });
}

bool serves(const LaunchGraph& graph, const Domain& domain) {
    return std::any_of(graph.domains.begin(), graph.domains.end(), [&domain](const Domain& d) {
        return names_backend(d.disks, domain.name) || names_backend(d.nets, domain.name) ||
               names_backend(d.channels, domain.name);
    });
}

// Whoever carries out the order, or is there only when it has failed, is not part of it.
Decoded<void> check_special(const NodeReader& reader, const LaunchGraph& graph,
                            const Domain& domain) {
    const bool is_recovery = domain.roles.has(Role::Recovery);
    const bool is_outside = is_recovery || domain.roles.has(Role::Launcher);
    const bool is_service =
        is_outside || domain.roles.has(Role::Console) || domain.roles.has(Role::Xenstore);
    if (is_service && !domain.after.empty()) {
        return reader.reject(DecodeReason::Contradiction, names::after);
    }
    if (is_outside && domain.ready.when != ReadyWhen::Started) {
        return reader.reject(DecodeReason::Contradiction, names::ready_when);
    }
    if (is_outside && domain.on_failure != Policy::Ignore) {
        return reader.reject(DecodeReason::Contradiction, names::on_failure);
    }
    if (is_outside && domain.on_crash != Policy::Ignore) {
        return reader.reject(DecodeReason::Contradiction, names::on_crash);
    }
    if (is_recovery && serves(graph, domain)) {
        return reader.reject(DecodeReason::Contradiction, names::backend);
    }
    return hv::Ok{};
}

Decoded<void> check_after(const NodeReader& reader, const LaunchGraph& graph,
                          const Domain& domain) {
    for (const std::string_view name : domain.after) {
        const Domain* other = find_named(graph, name);
        if (other == nullptr) {
            return reader.reject(DecodeReason::NoSuchDomain, names::after);
        }
        if (other == &domain || other->roles.has(Role::Recovery)) {
            return reader.reject(DecodeReason::Contradiction, names::after);
        }
    }
    return hv::Ok{};
}

// Whether it can ever be ready, and whether there is somebody who would know.
Decoded<void> check_ready(const NodeReader& reader, const LaunchGraph& graph,
                          const Domain& domain) {
    const ReadyWhen when = domain.ready.when;
    const bool has_devices =
        !domain.disks.empty() || !domain.nets.empty() || !domain.channels.empty();
    if ((when == ReadyWhen::Serving && !serves(graph, domain)) ||
        (when == ReadyWhen::Connected && !has_devices) ||
        (when == ReadyWhen::Xenstore && domain.roles.has(Role::Xenstore)) ||
        (when == ReadyWhen::Console && domain.roles.has(Role::Console))) {
        return reader.reject(DecodeReason::Contradiction, names::ready_when);
    }
    if (when != ReadyWhen::Started && !has_holder(graph, Role::Xenstore)) {
        return reader.reject(DecodeReason::Missing, to_string(ReadyWhen::Xenstore));
    }
    if (when == ReadyWhen::Console && !has_holder(graph, Role::Console)) {
        return reader.reject(DecodeReason::Missing, to_string(ReadyWhen::Console));
    }
    return hv::Ok{};
}

struct Progress {
    std::array<bool, max_domains> is_started{};
    std::array<bool, max_domains> is_ready{};
    bool operator==(const Progress&) const = default;
};

template <class Devices>
bool all_backends_started(const LaunchGraph& graph, const Progress& progress,
                          const Devices& devices) {
    return std::all_of(devices.begin(), devices.end(), [&](const auto& device) {
        const Domain* backend = find_named(graph, device.backend);
        return backend != nullptr &&
               progress.is_started[static_cast<size_t>(backend - graph.domains.begin())];
    });
}

// One domain, as far as it gets with what the others have reached.
void advance(const LaunchGraph& graph, const Domain& domain, Progress& progress) {
    const auto at = static_cast<size_t>(&domain - graph.domains.begin());
    progress.is_started[at] =
        std::all_of(domain.after.begin(), domain.after.end(), [&](std::string_view name) {
            const Domain* other = find_named(graph, name);
            return other != nullptr &&
                   progress.is_ready[static_cast<size_t>(other - graph.domains.begin())];
        });
    progress.is_ready[at] =
        progress.is_started[at] && (domain.ready.when != ReadyWhen::Connected ||
                                    (all_backends_started(graph, progress, domain.disks) &&
                                     all_backends_started(graph, progress, domain.nets) &&
                                     all_backends_started(graph, progress, domain.channels)));
}

}  // namespace

Decoded<void> decode_order(const NodeReader& reader, Domain& domain) {
    constexpr std::array policies{Policy::Ignore, Policy::Halt, Policy::Recovery};
    TRY(decode_after(reader, domain));
    TRY(decode_ready(reader, domain.ready));
    domain.on_failure = TRY(word(reader, names::on_failure, policies));
    domain.on_crash = TRY(word(reader, names::on_crash, policies));
    domain.start_unmeasured = TRY(reader.flag(names::start_unmeasured, false));
    if (domain.start_unmeasured &&
        (!domain.roles.has(Role::Recovery) || domain.roles.has(Role::Tpm))) {
        return reader.reject(DecodeReason::Contradiction, names::start_unmeasured);
    }
    return hv::Ok{};
}

Decoded<void> check_order(const NodeReader& reader, const LaunchGraph& graph,
                          const Domain& domain) {
    TRY(check_special(reader, graph, domain));
    TRY(check_after(reader, graph, domain));
    TRY(check_ready(reader, graph, domain));
    if (domain.has_order() && !has_holder(graph, Role::Launcher)) {
        return reader.reject(DecodeReason::Missing, "launcher");
    }
    const bool recovers =
        domain.on_failure == Policy::Recovery || domain.on_crash == Policy::Recovery;
    if (recovers && !has_holder(graph, Role::Recovery)) {
        return reader.reject(DecodeReason::Missing, "recovery");
    }
    return hv::Ok{};
}

// Every round but the last brings some domain further.
size_t first_waiting_for_ever(const LaunchGraph& graph) {
    Progress progress;
    Progress before;
    do {
        before = progress;
        for (const Domain& domain : graph.domains) {
            advance(graph, domain, progress);
        }
    } while (progress != before);
    size_t first = 0;
    while (first < graph.domains.size() && progress.is_ready[first]) {
        ++first;
    }
    return first;
}

}  // namespace launch
