// SPDX-License-Identifier: Apache-2.0
// From JSON to the typed manifest: the form of every field by itself. Rules that need more than one
// field are in check_manifest.cpp; launch.schema.json says the same as this file, for editors.
#include "launch-config/model/manifest.hpp"
#include "launch-config/model/object_reader.hpp"
#include "launch-config/model/read_devices.hpp"
#include "launch-config/model/read_order.hpp"

#include <algorithm>
#include <array>

namespace launch::model {
namespace {

using Words = std::span<const std::string_view>;

constexpr std::string_view nothing_of_this = "no such field in this version";

// Fields of the design that this version does not carry out.
constexpr std::array later_domain_fields{
    LaterField{"on-reboot", nothing_of_this},
    LaterField{"restart", nothing_of_this},
    LaterField{"console", nothing_of_this},
    LaterField{"shared-memory", nothing_of_this},
    LaterField{"event-channels", nothing_of_this},
    LaterField{"devices", nothing_of_this},
    LaterField{"affinity", nothing_of_this},
    LaterField{"pool", nothing_of_this},
    LaterField{"weight", nothing_of_this},
    LaterField{"cap", nothing_of_this},
    LaterField{"memory-min", nothing_of_this},
    LaterField{"memory-max", "\"max\" in \"memory\""},
    LaterField{"maxmem", "\"max\" in \"memory\""},
    LaterField{"firmware", "a \"kernel\""},
    LaterField{"device-tree", nothing_of_this},
};
constexpr std::array later_memory_fields{
    LaterField{"min", nothing_of_this},
};
constexpr std::array later_top_fields{
    LaterField{"pools", nothing_of_this},
    LaterField{"shared-memory", nothing_of_this},
    LaterField{"microcode", nothing_of_this},
};
constexpr std::array<std::string_view, 2> types{"pv", "pvh"};
constexpr std::array<std::string_view, 1> later_types{"hvm"};
constexpr std::array<std::string_view, 2> p2m_orders{"identity", "permuted"};
constexpr std::array<std::string_view, 5> roles{"console", "launcher", "recovery", "tpm",
                                                "xenstore"};
constexpr std::array role_values{Role::Console, Role::Launcher, Role::Recovery, Role::Tpm,
                                 Role::Xenstore};
constexpr std::array<std::string_view, 2> later_roles{"control", "hardware"};
constexpr std::array<std::string_view, 4> ends{"poweroff", "reboot", "crash", "never"};
constexpr std::array<std::string_view, 3> measurements{"required", "preferred", "off"};

class ManifestReader {
  public:
    ManifestReader(Diagnostics& diagnostics, const std::filesystem::path& directory)
        : diagnostics_{diagnostics}, directory_{directory} {}

    Manifest read(const JsonValue& root) {
        Manifest manifest;
        ObjectReader top{root, "", diagnostics_};
        static_cast<void>(top.string("$schema", 4096));
        read_machine(top, manifest.machine);
        if (const auto word = top.word("measurement", measurements)) {
            manifest.measurement = static_cast<Measurement>(*word);
        }
        read_pcrs(top, manifest.pcrs);
        read_hypervisor(top, manifest.hypervisor_cmdline);
        top.require("domains", "an array of domains");
        static_cast<void>(top.member("domains", manifest.domains_place));
        for (const auto& [value, place] : top.array("domains")) {
            manifest.domains.push_back(read_domain(*value, place));
        }
        read_xenstore(top, manifest);
        top.finish(later_top_fields);
        return manifest;
    }

  private:
    // Devices are found in Xenstore, and readiness is seen there, so with them there is one.
    void read_xenstore(ObjectReader& top, Manifest& manifest) {
        const auto& domains = manifest.domains;
        const bool has_devices =
            std::any_of(domains.begin(), domains.end(),
                        [](const DomainSpec& d) { return !d.device_fields.empty(); });
        const bool has_readiness = std::any_of(
            domains.begin(), domains.end(),
            [](const DomainSpec& d) { return d.ready.when.value != ReadyWhen::Started; });
        manifest.has_xenstore = top.boolean("xenstore").value_or(has_devices || has_readiness);
        if ((has_devices || has_readiness) && !manifest.has_xenstore) {
            Place place;
            static_cast<void>(top.member("xenstore", place));
            diagnostics_.add(place,
                             has_devices ? "is false, but domains have devices"
                                         : "is false, but a domain is ready by more than its start",
                             has_devices ? "expected true, because they are found in Xenstore"
                                         : "expected true, because that is seen in Xenstore");
        }
    }

    void read_machine(ObjectReader& top, MachineSpec& machine) {
        Place place;
        if (const JsonValue* value = top.member("machine", place)) {
            ObjectReader reader{*value, place.pointer, diagnostics_};
            machine.memory_bytes = reader.size("memory");
            if (const auto cpus = reader.integer("cpus", 1, 64)) {
                machine.cpu_count = static_cast<uint32_t>(*cpus);
            }
            reader.finish();
        }
    }

    void read_pcrs(ObjectReader& top, PcrPlan& pcrs) {
        Place place;
        const JsonValue* value = top.member("pcrs", place);
        if (value == nullptr) {
            return;
        }
        ObjectReader reader{*value, place.pointer, diagnostics_};
        const auto read = [&reader](std::string_view key, uint32_t low, uint32_t high,
                                    hv::PcrIndex& pcr) {
            if (const auto number = reader.integer(key, low, high)) {
                pcr = hv::PcrIndex{static_cast<uint32_t>(*number)};
            }
        };
        read("text", 0, 15, pcrs.text);
        read("blobs", 0, 15, pcrs.blobs);
        read("mirror", 20, 22, pcrs.mirror);
        if (pcrs.text == pcrs.blobs) {
            diagnostics_.add(place, "text and blobs name the same PCR", "expected two PCRs");
        }
        reader.finish();
    }

    void read_hypervisor(ObjectReader& top, std::string& cmdline) {
        Place place;
        if (const JsonValue* value = top.member("hypervisor", place)) {
            ObjectReader reader{*value, place.pointer, diagnostics_};
            cmdline = reader.string("cmdline", max_cmdline_bytes).value_or("");
            reader.finish();
        }
    }

    DomainSpec read_domain(const JsonValue& value, const Place& place) {
        DomainSpec domain;
        domain.place = place;
        ObjectReader reader{value, place.pointer, diagnostics_};
        read_identity(reader, domain);
        read_type(reader, domain);
        domain.vcpu_count =
            static_cast<uint32_t>(reader.integer("vcpus", 1, max_vcpus_per_domain).value_or(1));
        read_memory(reader, domain);
        read_roles(reader, domain);
        read_cpuid(reader, domain.cpuid);
        reader.require("kernel", "the file of its kernel");
        domain.kernel = read_file(reader, "kernel");
        domain.initrd = read_file(reader, "initrd");
        domain.cmdline = reader.string("cmdline", max_cmdline_bytes).value_or("");
        static_cast<void>(reader.member("cmdline", domain.cmdline_place));
        if (const auto end = reader.word("expect", ends)) {
            domain.expected_end = static_cast<ExpectedEnd>(*end);
        }
        read_devices(reader, domain);
        read_order(reader, domain);
        reader.finish(later_domain_fields);
        return domain;
    }

    void read_type(ObjectReader& reader, DomainSpec& domain) {
        static_cast<void>(reader.member("type", domain.type.place));
        if (const auto word = reader.word("type", types, later_types)) {
            domain.type.value = *word == 0 ? DomainType::Pv : DomainType::Pvh;
        }
        Place place;
        if (const JsonValue* value = reader.member("pv", place)) {
            domain.pv_place = place;
            ObjectReader pv{*value, place.pointer, diagnostics_};
            if (const auto word = pv.word("p2m", p2m_orders)) {
                domain.p2m = static_cast<P2mOrder>(*word);
            }
            pv.finish();
        }
    }

    // "256M", or {"initial": "256M", "max": "1G"}.
    void read_memory(ObjectReader& reader, DomainSpec& domain) {
        reader.require("memory", "the size of its memory, such as \"256M\"");
        Place place;
        const JsonValue* value = reader.member("memory", place);
        if (value == nullptr || value->kind != JsonValue::Kind::Object) {
            domain.memory_bytes = {reader.size("memory").value_or(0), place};
            domain.max_memory_bytes = domain.memory_bytes;
            return;
        }
        ObjectReader range{*value, place.pointer, diagnostics_};
        range.require("initial", "the memory that it starts with, such as \"256M\"");
        range.require("max", "the memory that it may grow to, such as \"1G\"");
        static_cast<void>(range.member("initial", domain.memory_bytes.place));
        static_cast<void>(range.member("max", domain.max_memory_bytes.place));
        domain.memory_bytes.value = range.size("initial").value_or(0);
        domain.max_memory_bytes.value = range.size("max").value_or(0);
        range.finish(later_memory_fields);
    }

    void read_identity(ObjectReader& reader, DomainSpec& domain) {
        reader.require("name", "a name, unique among the domains");
        static_cast<void>(reader.member("name", domain.name.place));
        domain.name.value = reader.string("name", 4096).value_or("");
        if (const auto domid = reader.integer("domid", 1, max_domid)) {
            domain.domid.emplace().value = static_cast<uint16_t>(*domid);
            static_cast<void>(reader.member("domid", domain.domid->place));
        }
        if (const auto text = reader.string("uuid", 4096)) {
            At<Uuid> uuid;
            static_cast<void>(reader.member("uuid", uuid.place));
            if (const auto parsed = parse_uuid(*text)) {
                uuid.value = *parsed;
                domain.uuid = uuid;
            } else {
                diagnostics_.add(uuid.place, quote(*text) + " is not a UUID",
                                 "expected the form 01234567-89ab-cdef-0123-456789abcdef");
            }
        }
    }

    void read_roles(ObjectReader& reader, DomainSpec& domain) {
        for (const auto& [item, place] : reader.array("roles")) {
            if (item->kind != JsonValue::Kind::String) {
                diagnostics_.add(place, "is " + std::string{name_of(item->kind)},
                                 "expected " + list_words(roles));
            } else if (const auto word =
                           find_word(item->string, place, roles, later_roles, diagnostics_)) {
                domain.roles.push_back({role_values[*word], place});
            }
        }
    }

    void read_cpuid(ObjectReader& reader, CpuidPolicy& cpuid) {
        Place place;
        if (const JsonValue* value = reader.member("cpuid", place)) {
            ObjectReader policy{*value, place.pointer, diagnostics_};
            cpuid.x2apic = policy.boolean("x2apic").value_or(cpuid.x2apic);
            cpuid.xsave = policy.boolean("xsave").value_or(cpuid.xsave);
            policy.finish();
        }
    }

    // "path", or {"file": "path", "sha256": "…"}.
    std::optional<FileReference> read_file(ObjectReader& reader, std::string_view key) {
        FileReference reference;
        const JsonValue* value = reader.member(key, reference.place);
        if (value == nullptr) {
            return std::nullopt;
        }
        if (value->kind == JsonValue::Kind::Object) {
            ObjectReader file{*value, reference.place.pointer, diagnostics_};
            file.require("file", "the name of a file");
            reference.file = file.string("file", max_source_bytes / 2).value_or("");
            if (const auto text = file.string("sha256", 4096)) {
                At<std::array<std::byte, 32>> digest;
                static_cast<void>(file.member("sha256", digest.place));
                const auto parsed = parse_sha256(*text);
                if (parsed) {
                    digest.value = *parsed;
                    reference.sha256 = digest;
                } else {
                    diagnostics_.add(digest.place, quote(*text) + " is not a SHA-256 digest",
                                     "expected 64 hexadecimal digits");
                }
            }
            file.finish();
        } else if (value->kind == JsonValue::Kind::String) {
            reference.file = reader.string(key, max_source_bytes / 2).value_or("");
        } else {
            diagnostics_.add(reference.place, "is " + std::string{name_of(value->kind)},
                             "expected a file name or an object with \"file\"");
        }
        reference.path = directory_ / reference.file;
        return reference;
    }

    Diagnostics& diagnostics_;
    const std::filesystem::path& directory_;
};

}  // namespace

Manifest read_manifest(Diagnostics& diagnostics, const std::filesystem::path& directory) {
    const auto root = parse_json(diagnostics);
    return root ? ManifestReader{diagnostics, directory}.read(*root) : Manifest{};
}

}  // namespace launch::model
