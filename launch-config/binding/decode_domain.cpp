// SPDX-License-Identifier: Apache-2.0
#include "launch-config/binding/decode_domain.hpp"

#include "launch-config/binding/canonical.hpp"
#include "launch-config/binding/decode_devices.hpp"
#include "launch-config/binding/decode_order.hpp"
#include "launch-config/binding/names.hpp"

#include <algorithm>
#include <array>

namespace launch {
namespace {

constexpr uint64_t largest_memory_bytes = uint64_t{1} << 40;
constexpr uint32_t domid_builder_of_other_dialects = 0x7ff5;  // "choose for me"

template <class T>
std::optional<T> find_word(std::string_view word, std::span<const T> values) {
    for (const T value : values) {
        if (to_string(value) == word) {
            return value;
        }
    }
    return std::nullopt;
}

std::optional<std::byte> from_hex(char high, char low) {
    constexpr std::string_view digits = "0123456789abcdef";
    const size_t h = digits.find(high);
    const size_t l = digits.find(low);
    if (h == digits.npos || l == digits.npos) {
        return std::nullopt;
    }
    return static_cast<std::byte>(h * 16 + l);
}

Decoded<std::optional<Sha256>> decode_digest(const NodeReader& reader) {
    const auto text = TRY(reader.string(names::digest));
    if (!text) {
        return std::optional<Sha256>{};
    }
    Sha256 digest{};
    if (!text->starts_with(names::digest_prefix) ||
        text->size() != names::digest_prefix.size() + 2 * digest.size()) {
        return reader.reject(DecodeReason::Malformed, names::digest);
    }
    const auto hex = text->substr(names::digest_prefix.size());
    for (size_t i = 0; i < digest.size(); ++i) {
        const auto value = from_hex(hex[2 * i], hex[2 * i + 1]);
        if (!value) {
            return reader.reject(DecodeReason::Malformed, names::digest);
        }
        digest[i] = *value;
    }
    return std::optional{digest};
}

Decoded<hv::DomainId> decode_domid(const NodeReader& reader) {
    const auto number = TRY(reader.u32(names::domid));
    if (!number || *number == domid_builder_of_other_dialects) {
        return hv::DomainId{};
    }
    if (*number == 0 || *number > max_domid) {
        return reader.reject(DecodeReason::OutOfRange, names::domid);
    }
    return hv::DomainId{static_cast<uint16_t>(*number)};
}

Decoded<void> decode_uuid(const NodeReader& reader, std::array<std::byte, 16>& out) {
    const auto value = reader.node().property(names::uuid);
    if (!value) {
        return reader.reject(DecodeReason::Missing, names::uuid);
    }
    if (value->size() != out.size()) {
        return reader.reject(DecodeReason::Malformed, names::uuid);
    }
    std::copy(value->begin(), value->end(), out.begin());
    return hv::Ok{};
}

Decoded<DomainType> decode_type(const NodeReader& reader) {
    const uint32_t mode = TRY(reader.u32(names::mode)).value_or(0);
    if ((mode & ~(names::mode_pv | names::mode_device_model | names::mode_long)) != 0) {
        return reader.reject(DecodeReason::OutOfRange, names::mode);
    }
    if ((mode & names::mode_pv) != 0 && (mode & names::mode_device_model) != 0) {
        return reader.reject(DecodeReason::Contradiction, names::mode);
    }
    const bool is_pv = (mode & names::mode_pv) != 0;
    const bool is_long = (mode & names::mode_long) != 0;
    if ((mode & names::mode_device_model) != 0 || (is_pv && !is_long)) {
        return reader.reject(DecodeReason::NotImplemented, names::mode);
    }
    return is_pv ? DomainType::Pv : DomainType::Pvh;
}

Decoded<P2mOrder> decode_p2m(const NodeReader& reader, DomainType type) {
    constexpr std::array orders{P2mOrder::Identity, P2mOrder::Permuted};
    const auto word = TRY(reader.string(names::p2m));
    if (!word) {
        return P2mOrder::Identity;
    }
    const auto order = find_word<P2mOrder>(*word, orders);
    if (!order) {
        return reader.reject(DecodeReason::Malformed, names::p2m);
    }
    if (type != DomainType::Pv) {
        return reader.reject(DecodeReason::Contradiction, names::p2m);
    }
    return *order;
}

// The binding counts in KiB, in one or two cells.
Decoded<std::optional<uint64_t>> decode_size(const NodeReader& reader, std::string_view name) {
    const auto value = reader.node().property(name);
    if (!value) {
        return std::optional<uint64_t>{};
    }
    const auto narrow = fdt::as_u32(*value);
    const auto kib = narrow ? std::optional<uint64_t>{*narrow} : fdt::as_u64(*value);
    if (!kib) {
        return reader.reject(DecodeReason::Malformed, name);
    }
    if (*kib == 0 || *kib > largest_memory_bytes / 1024 || *kib % 4 != 0) {
        return reader.reject(DecodeReason::OutOfRange, name);
    }
    return std::optional{*kib * 1024};
}

Decoded<void> decode_memory(const NodeReader& reader, Domain& domain) {
    const auto memory = TRY(decode_size(reader, names::memory));
    if (!memory) {
        return reader.reject(DecodeReason::Missing, names::memory);
    }
    domain.memory_bytes = *memory;
    domain.max_memory_bytes = TRY(decode_size(reader, names::max_memory)).value_or(*memory);
    if (domain.max_memory_bytes < domain.memory_bytes) {
        return reader.reject(DecodeReason::Contradiction, names::max_memory);
    }
    return hv::Ok{};
}

Decoded<Roles> decode_roles(const NodeReader& reader) {
    if (TRY(reader.u32(names::capabilities)).value_or(0) != 0) {
        return reader.reject(DecodeReason::NotImplemented, names::capabilities);
    }
    Roles roles;
    auto list = reader.node().property(names::roles).value_or(std::span<const std::byte>{});
    while (!list.empty()) {
        const auto word = fdt::next_string(list);
        const auto role = word ? find_word<Role>(*word, all_roles) : std::nullopt;
        if (!role) {
            return reader.reject(DecodeReason::Malformed, names::roles);
        }
        if (roles.has(*role)) {
            return reader.reject(DecodeReason::Duplicate, names::roles);
        }
        if (*role == Role::Control || *role == Role::Hardware) {
            return reader.reject(DecodeReason::NotImplemented, names::roles);
        }
        roles.add(*role);
    }
    // Each of these would find another's plan as its last module (hv/abi).
    constexpr std::array exclusive{Role::Console, Role::Xenstore, Role::Recovery, Role::Launcher};
    if (std::count_if(exclusive.begin(), exclusive.end(),
                      [&roles](Role role) { return roles.has(role); }) > 1) {
        return reader.reject(DecodeReason::Contradiction, names::roles);
    }
    return roles;
}

Decoded<ExpectedEnd> decode_expected_end(const NodeReader& reader) {
    constexpr std::array ends{ExpectedEnd::Poweroff, ExpectedEnd::Reboot, ExpectedEnd::Crash,
                              ExpectedEnd::Never};
    const auto word = TRY(reader.string(names::expect));
    if (!word) {
        return ExpectedEnd::Poweroff;
    }
    const auto end = find_word<ExpectedEnd>(*word, ends);
    if (!end) {
        return reader.reject(DecodeReason::Malformed, names::expect);
    }
    return *end;
}

// The name the node states, else the node's own without its unit address.
Decoded<std::string_view> decode_name(const NodeReader& reader, std::string_view if_absent) {
    const auto name = TRY(reader.string(names::name)).value_or(if_absent);
    if (!is_name(name)) {
        return reader.reject(DecodeReason::Malformed, names::name);
    }
    return name;
}

bool is_one_of(const fdt::Node& node, std::span<const std::string_view> compatible) {
    return std::any_of(compatible.begin(), compatible.end(),
                       [&node](std::string_view s) { return node.is_compatible(s); });
}

Decoded<void> decode_children(const NodeReader& reader, Domain& domain, DecodeNotes* notes) {
    bool has_kernel = false;
    for (const fdt::Node child : reader.node().children()) {
        const NodeReader module{child, reader.path()};
        if (is_one_of(child, names::kernel_compatible)) {
            if (has_kernel) {
                return module.reject(DecodeReason::Duplicate);
            }
            has_kernel = true;
            domain.kernel = TRY(decode_module(module, "kernel", notes));
            domain.cmdline = TRY(module.text(names::bootargs, max_cmdline_bytes));
        } else if (is_one_of(child, names::ramdisk_compatible)) {
            if (domain.initrd) {
                return module.reject(DecodeReason::Duplicate);
            }
            domain.initrd = TRY(decode_module(module, "initrd", notes));
        } else if (child.is_compatible(names::module_compatible)) {
            return module.reject(DecodeReason::NotImplemented, "compatible");
        } else if (!TRY(decode_device(module, domain, notes))) {
            module.note_unknown_node(notes);
        }
    }
    return has_kernel ? Decoded<void>{hv::Ok{}} : reader.reject(DecodeReason::Missing, "kernel");
}

}  // namespace

Decoded<Artifact> decode_module(const NodeReader& reader, std::string_view default_name,
                                DecodeNotes* notes) {
    constexpr std::array<std::string_view, 7> known{
        "compatible",  names::module_index, names::bootargs, names::name,
        names::source, names::size,         names::digest};
    Artifact artifact;
    artifact.module_index = TRY(reader.u32_in(names::module_index, 1, max_modules - 1));
    artifact.name = TRY(decode_name(reader, default_name));
    artifact.source = TRY(reader.text(names::source, max_source_bytes));
    artifact.size_bytes = TRY(reader.u64(names::size)).value_or(0);
    artifact.expected_sha256 = TRY(decode_digest(reader));
    TRY(reader.check_unknown(known, notes));
    return artifact;
}

Decoded<void> decode_domain(const NodeReader& reader, Domain& domain, DecodeNotes* notes) {
    constexpr std::array<std::string_view, 25> known{"compatible",
                                                     "#address-cells",
                                                     "#size-cells",
                                                     names::domid,
                                                     names::uuid,
                                                     names::mode,
                                                     names::cpus,
                                                     names::memory,
                                                     names::max_memory,
                                                     names::name,
                                                     names::capabilities,
                                                     names::roles,
                                                     names::x2apic,
                                                     names::xsave,
                                                     names::expect,
                                                     names::path,
                                                     names::p2m,
                                                     names::after,
                                                     names::ready_when,
                                                     names::ready_path,
                                                     names::ready_text,
                                                     names::ready_timeout,
                                                     names::on_failure,
                                                     names::on_crash,
                                                     names::start_unmeasured};
    const std::string_view node_name = reader.node().name();
    domain.domid = TRY(decode_domid(reader));
    domain.name = TRY(decode_name(reader, node_name.substr(0, node_name.find('@'))));
    TRY(decode_uuid(reader, domain.uuid));
    domain.type = TRY(decode_type(reader));
    domain.p2m = TRY(decode_p2m(reader, domain.type));
    domain.vcpu_count = TRY(reader.u32_in(names::cpus, 1, max_vcpus_per_domain));
    TRY(decode_memory(reader, domain));
    domain.roles = TRY(decode_roles(reader));
    if (domain.type == DomainType::Pv && !domain.roles.empty()) {
        return reader.reject(DecodeReason::NotImplemented, names::roles);
    }
    domain.cpuid.x2apic = TRY(reader.flag(names::x2apic, true));
    domain.cpuid.xsave = TRY(reader.flag(names::xsave, true));
    domain.expected_end = TRY(decode_expected_end(reader));
    TRY(decode_order(reader, domain));
    domain.path = TRY(reader.text(names::path, max_source_bytes));
    TRY(decode_children(reader, domain, notes));
    TRY(reader.check_unknown(known, notes));
    return hv::Ok{};
}

}  // namespace launch
