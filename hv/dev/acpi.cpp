// SPDX-License-Identifier: Apache-2.0
#include "hv/dev/acpi.hpp"

#include "hv/base/reader.hpp"
#include "hv/mm/direct_map.hpp"

#include <algorithm>
#include <string_view>

namespace hv::dev {

namespace {

using Bytes = std::span<const std::byte>;
constexpr size_t header_bytes = 36;
constexpr size_t max_table_bytes = 1 << 20;
// What the page tables of entry.S map, which are in use while tables are read.
constexpr uint64_t mapped_bytes = uint64_t{1} << 39;

// SAFETY: all of it is mapped; empty if it is not.
Bytes bytes_at(uint64_t address, size_t count) {
    if (address > mapped_bytes - count) {
        return {};
    }
    return {mm::direct_map(Paddr{address}), count};
}

bool sums_to_zero(Bytes bytes) {
    uint8_t sum = 0;
    for (const std::byte b : bytes) {
        sum = static_cast<uint8_t>(sum + static_cast<uint8_t>(b));
    }
    return sum == 0;
}

template <class T>
T le_at(Bytes table, size_t offset) {
    if (offset > table.size()) {
        return 0;
    }
    Reader reader{table.subspan(offset)};
    auto value = reader.read_le<T>();
    return value.ok() ? value.take() : T{0};
}

bool has_signature(Bytes bytes, std::string_view signature) {
    return bytes.size() >= signature.size() &&
           std::equal(signature.begin(), signature.end(), bytes.begin(),
                      [](char c, std::byte b) { return static_cast<std::byte>(c) == b; });
}

// The table at that address if its header, length and checksum are good; empty otherwise.
Bytes table_at(uint64_t address) {
    if (address == 0) {
        return {};
    }
    const auto length = le_at<uint32_t>(bytes_at(address, header_bytes), 4);
    if (length < header_bytes || length > max_table_bytes) {
        return {};
    }
    const Bytes table = bytes_at(address, length);
    return sums_to_zero(table) ? table : Bytes{};
}

uint64_t find_rsdp() {
    const auto scan = [](uint64_t from, uint64_t to) -> uint64_t {
        for (uint64_t a = from; a + 20 <= to; a += 16) {
            if (has_signature(bytes_at(a, 20), "RSD PTR ") && sums_to_zero(bytes_at(a, 20))) {
                return a;
            }
        }
        return 0;
    };
    const uint64_t in_rom = scan(0xe0000, 0x100000);
    return in_rom != 0 ? in_rom : scan(0x9fc00, 0xa0000);
}

// A CPU is started once: the second INIT would take it from what it does by then.
void add_cpu(uint32_t apic_id, AcpiInfo& info) {
    if (std::find(info.apic_ids.begin(), info.apic_ids.end(), apic_id) != info.apic_ids.end()) {
        ++info.repeated_cpus;
        return;
    }
    (void)info.apic_ids.push(apic_id);  // CPUs beyond max_cpus stay off
}

// [acpi] 5.2.12.5: an interrupt of the ISA that arrives elsewhere.
void read_override(Bytes madt, size_t at, AcpiInfo& info) {
    constexpr uint8_t com1_irq = 4;
    if (le_at<uint8_t>(madt, at + 3) != com1_irq) {
        return;
    }
    const auto flags = le_at<uint16_t>(madt, at + 8);
    info.com1_interrupt = le_at<uint32_t>(madt, at + 4);
    info.com1_is_active_low = (flags & 3) == 3;
    info.com1_is_level = (flags >> 2 & 3) == 3;
}

void read_madt(Bytes madt, AcpiInfo& info) {
    size_t at = header_bytes + 8;
    while (at + 2 <= madt.size()) {
        const auto type = le_at<uint8_t>(madt, at);
        const auto length = le_at<uint8_t>(madt, at + 1);
        if (length < 2 || at + length > madt.size()) {
            return;
        }
        constexpr uint8_t processor_local_apic = 0;
        constexpr uint8_t io_apic = 1;
        constexpr uint8_t interrupt_source_override = 2;
        if (type == io_apic && length >= 12) {
            (void)info.io_apics.push({.address = le_at<uint32_t>(madt, at + 4),
                                      .first_interrupt = le_at<uint32_t>(madt, at + 8)});
        } else if (type == interrupt_source_override && length >= 10) {
            read_override(madt, at, info);
        }
        if (type == processor_local_apic && length >= 8 &&
            (le_at<uint32_t>(madt, at + 4) & 1) != 0) {
            add_cpu(le_at<uint8_t>(madt, at + 3), info);
        }
        at += length;
    }
}

// The sleep type of \_S5 without an AML interpreter: NameOp "_S5_" PackageOp length count value.
uint8_t find_s5(Bytes dsdt) {
    for (size_t at = header_bytes; at + 9 < dsdt.size(); ++at) {
        if (!has_signature(dsdt.subspan(at), "_S5_") || le_at<uint8_t>(dsdt, at + 4) != 0x12) {
            continue;
        }
        const unsigned length_bytes = 1 + (le_at<uint8_t>(dsdt, at + 5) >> 6);
        const size_t value = at + 5 + length_bytes + 1;
        constexpr uint8_t byte_prefix = 0x0a;
        const auto first = le_at<uint8_t>(dsdt, value);
        return first == byte_prefix ? le_at<uint8_t>(dsdt, value + 1) : first;
    }
    return 0;
}

void read_fadt(Bytes fadt, AcpiInfo& info) {
    const auto port = le_at<uint32_t>(fadt, 64);
    info.pm1a_control = port > 0xffff ? uint16_t{0} : static_cast<uint16_t>(port);
    const Bytes dsdt = table_at(le_at<uint32_t>(fadt, 40));
    info.s5_sleep_type = find_s5(dsdt);
}

}  // namespace

std::optional<InterruptRoute> com1_route(const AcpiInfo& info) {
    const IoApicEntry* best = nullptr;
    for (const IoApicEntry& entry : info.io_apics) {
        if (entry.first_interrupt <= info.com1_interrupt &&
            (best == nullptr || entry.first_interrupt > best->first_interrupt)) {
            best = &entry;
        }
    }
    if (best == nullptr || best->address % page_size != 0 || best->address == 0) {
        return std::nullopt;
    }
    return InterruptRoute{.io_apic = Paddr{best->address},
                          .pin = info.com1_interrupt - best->first_interrupt,
                          .is_active_low = info.com1_is_active_low,
                          .is_level = info.com1_is_level};
}

std::optional<AcpiInfo> read_acpi() {
    const uint64_t rsdp = find_rsdp();
    if (rsdp == 0) {
        return std::nullopt;
    }
    const Bytes pointer = bytes_at(rsdp, 36);
    const bool has_xsdt = le_at<uint8_t>(pointer, 15) >= 2 && le_at<uint64_t>(pointer, 24) != 0;
    const Bytes root =
        table_at(has_xsdt ? le_at<uint64_t>(pointer, 24) : le_at<uint32_t>(pointer, 16));
    const size_t entry_bytes = has_xsdt ? 8 : 4;
    AcpiInfo info;
    for (size_t at = header_bytes; at + entry_bytes <= root.size(); at += entry_bytes) {
        const Bytes table =
            table_at(has_xsdt ? le_at<uint64_t>(root, at) : le_at<uint32_t>(root, at));
        if (has_signature(table, "APIC")) {
            read_madt(table, info);
        } else if (has_signature(table, "FACP")) {
            read_fadt(table, info);
        } else if (has_signature(table, "TPM2")) {
            info.has_tpm2_table = true;
        }
    }
    return info;
}

}  // namespace hv::dev
