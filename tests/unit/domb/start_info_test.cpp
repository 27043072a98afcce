// SPDX-License-Identifier: Apache-2.0
// Start info and ACPI tables, read back the way a kernel does: from guest memory, by address.
#include "domb/builder/start_info.hpp"

#include "domb/builder/acpi/layout.hpp"
#include "domb/builder/launcher_plan.hpp"
#include "domb/builder/service_plan.hpp"
#include "hv/abi/launch_op.hpp"
#include "hv/abi/xen_start_info.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace builder {
namespace {

class StartInfo : public testing::Test {
  protected:
    void write(const StartInfoPlan& plan) {
        TableArea area{buffer_, layout::tables};
        start_info_at_ = write_start_info(area, plan);
        used_ = area.bytes().size();
    }
    [[nodiscard]] std::span<const std::byte> at(uint64_t gpaddr, size_t bytes) const {
        EXPECT_GE(gpaddr, layout::tables);
        EXPECT_LE(gpaddr + bytes, layout::tables + used_);
        return std::span{buffer_}.subspan(gpaddr - layout::tables, bytes);
    }
    template <class T>
    [[nodiscard]] T read(uint64_t gpaddr) const {
        T value;
        memcpy(&value, at(gpaddr, sizeof(T)).data(), sizeof(T));
        return value;
    }
    [[nodiscard]] hv::abi::HvmStartInfo info() const {
        return read<hv::abi::HvmStartInfo>(start_info_at_);
    }
    // Signature to address, with every checksum looked at.
    [[nodiscard]] std::map<std::string, uint64_t> acpi_tables() const {
        const auto rsdp = read<acpi::Rsdp>(info().rsdp_paddr);
        EXPECT_EQ(info().rsdp_paddr % 16, 0U);
        EXPECT_EQ((std::string{rsdp.signature.data(), 8}), "RSD PTR ");
        EXPECT_EQ(sum(at(info().rsdp_paddr, 20)), 0U);
        EXPECT_EQ(sum(at(info().rsdp_paddr, 36)), 0U);
        std::map<std::string, uint64_t> tables;
        const uint64_t xsdt = rsdp.xsdt_address.load();
        note_table(tables, xsdt);
        const uint32_t length = read<acpi::Header>(xsdt).length.load();
        for (uint64_t entry = xsdt + 36; entry < xsdt + length; entry += 8) {
            note_table(tables, read<hv::Le<uint64_t>>(entry).load());
        }
        note_table(tables, read<acpi::Fadt>(tables.at("FACP")).x_dsdt.load());
        return tables;
    }

    std::vector<std::byte> buffer_ = std::vector<std::byte>(layout::tables_end - layout::tables);
    layout::MemoryMap map_ = layout::memory_map(256 << 20, 0);

  private:
    static unsigned sum(std::span<const std::byte> bytes) {
        unsigned total = 0;
        for (const std::byte b : bytes) {
            total += static_cast<unsigned>(b);
        }
        return total & 0xff;
    }
    void note_table(std::map<std::string, uint64_t>& tables, uint64_t gpaddr) const {
        const auto header = read<acpi::Header>(gpaddr);
        const std::string signature{header.signature.data(), 4};
        EXPECT_EQ(sum(at(gpaddr, header.length.load())), 0U) << signature;
        EXPECT_TRUE(tables.emplace(signature, gpaddr).second) << signature;
    }

    uint64_t start_info_at_ = 0;
    size_t used_ = 0;
};

TEST_F(StartInfo, of_a_plain_domain) {
    launch::Domain domain;
    domain.cmdline = "console=hvc0 root=/dev/ram";
    write({.domain = domain, .memory_map = map_, .initrd = 0x8000000, .initrd_bytes = 12345});
    EXPECT_EQ(info().magic, 0x336ec578U);
    EXPECT_EQ(info().version, 1U);
    EXPECT_EQ(info().flags, 0U);
    ASSERT_EQ(info().nr_modules, 1U);
    const auto module = read<hv::abi::HvmModlistEntry>(info().modlist_paddr);
    EXPECT_EQ(module.paddr, 0x8000000U);
    EXPECT_EQ(module.size, 12345U);
    EXPECT_EQ(memcmp(at(info().cmdline_paddr, domain.cmdline.size() + 1).data(),
                     "console=hvc0 root=/dev/ram", domain.cmdline.size() + 1),
              0);
    ASSERT_EQ(info().memmap_entries, map_.size());
    for (size_t i = 0; i < map_.size(); ++i) {
        const auto entry = read<hv::abi::HvmMemmapTableEntry>(
            info().memmap_paddr + i * sizeof(hv::abi::HvmMemmapTableEntry));
        EXPECT_EQ(entry.addr, map_[i].gpaddr);
        EXPECT_EQ(entry.size, map_[i].bytes);
        EXPECT_EQ(entry.type, static_cast<uint32_t>(map_[i].type));
        EXPECT_EQ(entry.reserved, 0U);
    }
}

TEST_F(StartInfo, puts_the_service_plan_after_the_initrd) {
    const launch::Domain domain;
    const std::array plan{std::byte{1}, std::byte{2}, std::byte{3}};
    write({.domain = domain,
           .memory_map = map_,
           .initrd = 0x8000000,
           .initrd_bytes = 1,
           .service_plan = plan});
    ASSERT_EQ(info().nr_modules, 2U);
    const auto module = read<hv::abi::HvmModlistEntry>(info().modlist_paddr + 32);
    EXPECT_TRUE(std::ranges::equal(at(module.paddr, module.size), plan));

    write({.domain = domain, .memory_map = map_, .service_plan = plan});
    ASSERT_EQ(info().nr_modules, 1U);
    EXPECT_EQ(read<hv::abi::HvmModlistEntry>(info().modlist_paddr).size, 3U);
}

TEST_F(StartInfo, shows_the_recovery_domain_where_its_reason_will_be) {
    launch::Domain domain;
    domain.roles.add(launch::Role::Recovery);
    write({.domain = domain, .memory_map = map_, .initrd = 0x8000000, .initrd_bytes = 1});
    ASSERT_EQ(info().nr_modules, 2U);
    const auto module = read<hv::abi::HvmModlistEntry>(info().modlist_paddr + 32);
    EXPECT_EQ(module.paddr, hv::abi::recovery_reason_gpaddr);
    EXPECT_EQ(module.size, hv::page_size);
    const auto name = at(module.cmdline_paddr, sizeof(hv::abi::recovery_reason_name));
    EXPECT_STREQ(reinterpret_cast<const char*>(name.data()), "recovery-reason");
    const bool is_reserved = std::any_of(map_.begin(), map_.end(), [&](const auto& range) {
        return range.type == layout::MemoryType::Reserved && range.gpaddr <= module.paddr &&
               module.paddr + module.size <= range.gpaddr + range.bytes;
    });
    EXPECT_TRUE(is_reserved);
}

TEST_F(StartInfo, grants_flags_by_role) {
    launch::Domain domain;
    domain.roles.add(launch::Role::Control);
    write({.domain = domain, .memory_map = map_});
    EXPECT_EQ(info().flags, hv::abi::SIF_PRIVILEGED);
    domain.roles.add(launch::Role::Hardware);
    write({.domain = domain, .memory_map = map_});
    EXPECT_EQ(info().flags, hv::abi::SIF_PRIVILEGED | hv::abi::SIF_INITDOMAIN);
}

TEST_F(StartInfo, acpi_tables_have_checksums_and_no_tpm_by_default) {
    launch::Domain domain;
    domain.vcpu_count = 3;
    write({.domain = domain, .memory_map = map_});
    const auto tables = acpi_tables();
    EXPECT_EQ(tables.size(), 4U);  // XSDT FACP APIC DSDT
    const auto fadt = read<acpi::Fadt>(tables.at("FACP"));
    EXPECT_EQ(fadt.header.length.load(), 276U);
    EXPECT_TRUE((fadt.flags.load() & 1U << 20) != 0);  // hardware reduced
    EXPECT_EQ(fadt.dsdt.load(), tables.at("DSDT"));

    const uint64_t madt = tables.at("APIC");
    EXPECT_EQ(read<acpi::Header>(madt).length.load(), 44U + 3 * 8);
    EXPECT_EQ(read<hv::Le<uint32_t>>(madt + 36).load(), 0xfee00000U);
    for (uint8_t i = 0; i < 3; ++i) {
        const auto apic = read<acpi::MadtLocalApic>(madt + 44 + 8U * i);
        EXPECT_EQ(apic.type, 0);
        EXPECT_EQ(apic.length, 8);
        EXPECT_EQ(apic.processor_uid, i);
        EXPECT_EQ(apic.apic_id, 2 * i);
        EXPECT_EQ(apic.flags.load(), 1U);
    }
}

TEST_F(StartInfo, gives_the_tpm_domain_its_device_and_log) {
    const launch::Domain domain;
    write({.domain = domain, .memory_map = map_, .tpm_log_bytes = 0x3000});
    const auto tables = acpi_tables();
    EXPECT_EQ(tables.size(), 6U);
    const auto tpm2 = read<acpi::Tpm2>(tables.at("TPM2"));
    EXPECT_EQ(tpm2.header.length.load(), 76U);
    EXPECT_EQ(tpm2.header.revision, 4);
    EXPECT_EQ(tpm2.start_method.load(), 6U);
    EXPECT_EQ(tpm2.log_minimum_bytes.load(), 0x3000U);
    EXPECT_EQ(tpm2.log_address.load(), 0xfc000000U);
    const auto ssdt = at(tables.at("SSDT"), read<acpi::Header>(tables.at("SSDT")).length.load());
    const std::string text{reinterpret_cast<const char*>(ssdt.data()), ssdt.size()};
    EXPECT_NE(text.find("MSFT0101"), std::string::npos);
}

TEST_F(StartInfo, fits_with_everything_at_its_limit) {
    const std::string cmdline(launch::max_cmdline_bytes, 'c');
    launch::Domain domain;
    domain.cmdline = cmdline;
    domain.vcpu_count = launch::max_vcpus_per_domain;
    domain.roles.add(launch::Role::Recovery);
    const std::vector<std::byte> plan(
        std::max(sizeof(LauncherPlanBuffer), sizeof(ServicePlanBuffer)));
    map_ = layout::memory_map(uint64_t{8} << 30, 1 << 20);
    write({.domain = domain,
           .memory_map = map_,
           .initrd = 0x8000000,
           .initrd_bytes = 1,
           .service_plan = plan,
           .tpm_log_bytes = 1 << 20});
    EXPECT_EQ(acpi_tables().size(), 6U);
}

}  // namespace
}  // namespace builder
