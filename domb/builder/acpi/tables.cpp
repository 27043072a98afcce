// SPDX-License-Identifier: Apache-2.0
#include "domb/builder/acpi/tables.hpp"

#include "domb/builder/acpi/layout.hpp"
#include "hv/abi/platform_port.hpp"

#include <algorithm>
#include <span>
#include <string_view>

// From aml.S; only their addresses mean something.
extern "C" {
extern const std::byte builder_dsdt_start[], builder_dsdt_end[];
extern const std::byte builder_tpm_start[], builder_tpm_end[];
}

namespace builder::acpi {
namespace {

// Fixed feature flags of the FADT, [acpi] table 5.10.
constexpr uint32_t WBINVD = 1U << 0;
constexpr uint32_t PWR_BUTTON = 1U << 4;  // set: no fixed button
constexpr uint32_t SLP_BUTTON = 1U << 5;  // set: no fixed button
constexpr uint32_t FIX_RTC = 1U << 6;     // set: no wake by a fixed RTC
constexpr uint32_t HW_REDUCED_ACPI = 1U << 20;

// IA-PC boot architecture flags, [acpi] table 5.11. Clear: no legacy devices, no 8042.
constexpr uint16_t VGA_not_present = 1U << 2;
constexpr uint16_t CMOS_RTC_not_present = 1U << 5;

constexpr uint32_t local_apic_address = 0xfee00000;
constexpr uint32_t start_method_tis = 6;

template <size_t N>
Characters<N> characters(std::string_view text) {
    Characters<N> out;
    out.fill(' ');
    std::copy_n(text.begin(), std::min(N, text.size()), out.begin());
    return out;
}

uint8_t checksum(std::span<const std::byte> bytes) {
    unsigned sum = 0;
    for (const std::byte b : bytes) {
        sum += static_cast<unsigned>(b);
    }
    return static_cast<uint8_t>(0U - sum);
}

Header header(std::string_view signature, uint8_t revision) {
    return {.signature = characters<4>(signature),
            .length = {},
            .revision = revision,
            .checksum = 0,
            .oem_id = characters<6>("GANTRY"),
            .oem_table_id = characters<8>("PVH"),
            .oem_revision = 1,
            .creator_id = characters<4>("GTRY"),
            .creator_revision = 1};
}

// Adds the first `bytes` bytes of a table that begins with a Header, and seals them.
template <class Table>
uint64_t add_table(TableArea& area, Table& table, size_t bytes = sizeof(Table)) {
    table.header.length.store(static_cast<uint32_t>(bytes));
    const auto used = std::as_bytes(std::span{&table, 1}).first(bytes);
    table.header.checksum = checksum(used);
    return area.add(used);
}

// An 8-bit register in I/O space, [acpi] 5.2.3.2.
GenericAddress io_port(uint16_t port) {
    constexpr uint8_t system_io = 1;
    constexpr uint8_t byte_access = 1;
    return {system_io, 8, 0, byte_access, port};
}

uint64_t add_fadt(TableArea& area, uint64_t dsdt) {
    Fadt fadt{};
    fadt.header = header("FACP", 6);
    fadt.dsdt = static_cast<uint32_t>(dsdt);
    fadt.x_dsdt = dsdt;
    fadt.iapc_boot_arch = VGA_not_present | CMOS_RTC_not_present;
    fadt.flags = WBINVD | PWR_BUTTON | SLP_BUTTON | FIX_RTC | HW_REDUCED_ACPI;
    fadt.sleep_control_reg = io_port(hv::abi::sleep_control_port);
    fadt.sleep_status_reg = io_port(hv::abi::sleep_status_port);
    return add_table(area, fadt);
}

uint64_t add_madt(TableArea& area, uint32_t vcpu_count) {
    ASSERT(vcpu_count <= max_apics);
    Madt madt{};
    madt.header = header("APIC", 4);
    madt.local_apic_address = local_apic_address;
    for (uint32_t id = 0; id < vcpu_count; ++id) {
        // The processor's UID is the Xen vCPU number, the APIC id its double, as on Xen.
        madt.apics[id] = {.type = 0,
                          .length = sizeof(MadtLocalApic),
                          .processor_uid = static_cast<uint8_t>(id),
                          .apic_id = static_cast<uint8_t>(2 * id),
                          .flags = 1};
    }
    return add_table(area, madt, offsetof(Madt, apics) + vcpu_count * sizeof(MadtLocalApic));
}

uint64_t add_tpm2(TableArea& area, const Machine& machine) {
    Tpm2 tpm2{};
    tpm2.header = header("TPM2", 4);
    tpm2.start_method = start_method_tis;
    tpm2.log_minimum_bytes = machine.log_bytes;
    tpm2.log_address = machine.log_gpaddr;
    return add_table(area, tpm2);
}

uint64_t add_rsdp(TableArea& area, uint64_t xsdt) {
    constexpr size_t first_version_bytes = 20;
    Rsdp rsdp{};
    rsdp.signature = characters<8>("RSD PTR ");
    rsdp.oem_id = characters<6>("GANTRY");
    rsdp.revision = 2;
    rsdp.length = sizeof(Rsdp);
    rsdp.xsdt_address = xsdt;
    const auto bytes = std::as_bytes(std::span{&rsdp, 1});
    rsdp.checksum = checksum(bytes.first(first_version_bytes));
    rsdp.extended_checksum = checksum(bytes);
    return area.add(bytes);
}

}  // namespace

uint64_t write_tables(TableArea& area, const Machine& machine) {
    Xsdt xsdt{};
    xsdt.header = header("XSDT", 1);
    size_t count = 0;
    const auto list = [&](uint64_t table) { xsdt.entries[count++] = table; };

    list(add_fadt(area, area.add({builder_dsdt_start, builder_dsdt_end})));
    list(add_madt(area, machine.vcpu_count));
    if (machine.tpm) {
        list(area.add({builder_tpm_start, builder_tpm_end}));
        list(add_tpm2(area, machine));
    }
    const size_t bytes = offsetof(Xsdt, entries) + count * sizeof(xsdt.entries[0]);
    return add_rsdp(area, add_table(area, xsdt, bytes));
}

}  // namespace builder::acpi
