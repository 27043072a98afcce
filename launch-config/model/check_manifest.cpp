// SPDX-License-Identifier: Apache-2.0
// The rules between fields, as a table. Each has at least one bad manifest in
// tests/corpus/manifest/bad. Rules about the contents of files are in artifacts.cpp.
#include "launch-config/binding/canonical.hpp"
#include "launch-config/binding/node_reader.hpp"
#include "launch-config/model/check_devices.hpp"
#include "launch-config/model/check_order.hpp"
#include "launch-config/model/check_pv.hpp"
#include "launch-config/model/manifest.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace launch::model {
namespace {

using Rule = void (*)(const Manifest&, Diagnostics&);

void domains_exist(const Manifest& manifest, Diagnostics& diagnostics) {
    if (manifest.domains.empty()) {
        diagnostics.add(manifest.domains_place, "no domain is described",
                        "expected at least one domain");
    }
    if (manifest.domains.size() > max_domains) {
        diagnostics.add(manifest.domains_place,
                        std::to_string(manifest.domains.size()) + " domains are described",
                        "expected at most " + std::to_string(max_domains));
    }
}

void names_are_well_formed(const Manifest& manifest, Diagnostics& diagnostics) {
    for (const DomainSpec& domain : manifest.domains) {
        // An absent or mistyped name has been reported already and is empty here.
        const bool is_string = diagnostics.text()[domain.name.place.offset] == '"';
        if (is_string && !is_name(domain.name.value)) {
            diagnostics.add(domain.name.place,
                            quote(domain.name.value) + " cannot be a domain's name",
                            "expected 1 to " + std::to_string(max_name_bytes) +
                                " of the characters A-Z a-z 0-9 . _ + -, first a letter or digit");
        }
    }
}

// Reports each later one of two domains with the same key.
template <class Key, class Get>
void report_repeated(const Manifest& manifest, Diagnostics& diagnostics, std::string_view what,
                     Get get) {
    std::map<Key, std::string> first;
    for (const DomainSpec& domain : manifest.domains) {
        const std::optional<At<Key>> key = get(domain);
        if (!key) {
            continue;
        }
        const auto [known, is_new] = first.try_emplace(key->value, domain.place.pointer);
        if (!is_new) {
            diagnostics.add(key->place, std::string{what} + " is also that of " + known->second,
                            "expected a different one for every domain");
        }
    }
}

void names_are_unique(const Manifest& manifest, Diagnostics& diagnostics) {
    report_repeated<std::string>(manifest, diagnostics, "the name", [](const DomainSpec& d) {
        return d.name.value.empty() ? std::nullopt : std::optional{d.name};
    });
}

void uuids_are_unique(const Manifest& manifest, Diagnostics& diagnostics) {
    report_repeated<Uuid>(manifest, diagnostics, "the uuid",
                          [](const DomainSpec& d) { return d.uuid; });
}

void domids_are_unique(const Manifest& manifest, Diagnostics& diagnostics) {
    report_repeated<uint16_t>(manifest, diagnostics, "the domid",
                              [](const DomainSpec& d) { return d.domid; });
}

void roles_are_held_once(const Manifest& manifest, Diagnostics& diagnostics) {
    std::map<Role, std::string> holder;
    for (const DomainSpec& domain : manifest.domains) {
        for (const At<Role>& role : domain.roles) {
            const auto [known, is_new] = holder.try_emplace(role.value, domain.place.pointer);
            if (!is_new) {
                diagnostics.add(role.place, "the role is also that of " + known->second,
                                "expected one holder");
            }
        }
    }
}

// Each would find another's plan as its last module (hv/abi/service_plan.hpp).
void special_domains_differ(const Manifest& manifest, Diagnostics& diagnostics) {
    for (const DomainSpec& domain : manifest.domains) {
        const At<Role>* first = nullptr;
        for (const At<Role>& role : domain.roles) {
            if (role.value == Role::Tpm) {
                continue;
            }
            if (first != nullptr && first->value != role.value) {
                diagnostics.add(
                    role.place,
                    "the domain has the role " + quote(to_string(first->value)) + ", too",
                    "expected the roles \"console\", \"launcher\", \"recovery\" and "
                    "\"xenstore\" at different domains");
            }
            first = &role;
        }
    }
}

void memory_is_whole_pages(const Manifest& manifest, Diagnostics& diagnostics) {
    constexpr uint64_t low = uint64_t{4} << 20;
    constexpr uint64_t high = uint64_t{1} << 40;
    const auto check = [&](const At<uint64_t>& memory) {
        const uint64_t bytes = memory.value;
        // Zero: absent or not understood, and reported as such.
        if (bytes != 0 && (bytes < low || bytes > high || bytes % hv::page_size != 0)) {
            diagnostics.add(
                memory.place, "memory is " + format_size(bytes),
                "expected " + format_size(low) + " to " + format_size(high) + " in units of 4K");
        }
    };
    for (const DomainSpec& domain : manifest.domains) {
        check(domain.memory_bytes);
        if (domain.max_memory_bytes.place.pointer != domain.memory_bytes.place.pointer) {
            check(domain.max_memory_bytes);
        }
    }
}

void memory_maximum_is_not_less(const Manifest& manifest, Diagnostics& diagnostics) {
    for (const DomainSpec& domain : manifest.domains) {
        const uint64_t max = domain.max_memory_bytes.value;
        if (max != 0 && max < domain.memory_bytes.value) {
            diagnostics.add(
                domain.max_memory_bytes.place, "the maximum is " + format_size(max),
                "expected at least the initial " + format_size(domain.memory_bytes.value));
        }
    }
}

void memory_fits_the_machine(const Manifest& manifest, Diagnostics& diagnostics) {
    uint64_t sum = 0;
    for (const DomainSpec& domain : manifest.domains) {
        if (domain.max_memory_bytes.value > uint64_t{1} << 40) {
            continue;  // no domain may have so much, which is said already
        }
        sum += domain.max_memory_bytes.value;
        if (manifest.machine.memory_bytes && sum > *manifest.machine.memory_bytes) {
            diagnostics.add(
                domain.max_memory_bytes.place,
                "with this domain the plan needs " + format_size(sum),
                "expected at most the machine's " + format_size(*manifest.machine.memory_bytes));
            return;
        }
    }
}

void files_exist(const Manifest& manifest, Diagnostics& diagnostics) {
    for (const DomainSpec& domain : manifest.domains) {
        for (const auto& reference : {domain.kernel, domain.initrd}) {
            std::error_code error;
            if (reference && !reference->file.empty() &&
                !std::filesystem::is_regular_file(reference->path, error)) {
                const bool is_there = std::filesystem::exists(reference->path, error);
                diagnostics.add(
                    reference->place,
                    "file " + quote(reference->file) + (is_there ? " is no file" : " is not there"),
                    "expected a file; names are relative to the manifest");
            } else if (reference && reference->file.empty() &&
                       diagnostics.text()[reference->place.offset] == '"') {
                diagnostics.add(reference->place, "the file name is empty", "expected a file");
            }
        }
    }
}

void pv_domains_are_possible(const Manifest& manifest, Diagnostics& diagnostics) {
    for (const DomainSpec& domain : manifest.domains) {
        check_pv(domain, diagnostics);
    }
}

constexpr std::array<Rule, 13> rules{
    domains_exist,           names_are_well_formed,
    names_are_unique,        uuids_are_unique,
    domids_are_unique,       roles_are_held_once,
    memory_is_whole_pages,   memory_maximum_is_not_less,
    memory_fits_the_machine, check_order,
    pv_domains_are_possible, check_devices,
    special_domains_differ,
};

}  // namespace

void check_manifest(const Manifest& manifest, Diagnostics& diagnostics) {
    for (const Rule rule : rules) {
        rule(manifest, diagnostics);
    }
    files_exist(manifest, diagnostics);
}

}  // namespace launch::model
