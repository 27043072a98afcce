// SPDX-License-Identifier: Apache-2.0
// ACPI tables as bytes, [acpi] 6.4 chapter 5.2 and [tcg-acpi] 1.2. Used by tables.cpp and its test.
#pragma once

#include "hv/base/endian.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace builder::acpi {

template <size_t N>
using Characters = std::array<char, N>;

struct Rsdp {                       // [acpi] 5.2.5.3
    Characters<8> signature;        // 00  "RSD PTR "
    uint8_t checksum;               // 08  of the first 20 bytes
    Characters<6> oem_id;           // 09
    uint8_t revision;               // 0f  2
    hv::Le<uint32_t> rsdt_address;  // 10
    hv::Le<uint32_t> length;        // 14
    hv::Le<uint64_t> xsdt_address;  // 18
    uint8_t extended_checksum;      // 20  of all
    std::array<uint8_t, 3> rsvd_21;
};
static_assert(sizeof(Rsdp) == 36 && offsetof(Rsdp, xsdt_address) == 0x18);

struct Header {                         // [acpi] 5.2.6
    Characters<4> signature;            // 00
    hv::Le<uint32_t> length;            // 04
    uint8_t revision;                   // 08
    uint8_t checksum;                   // 09
    Characters<6> oem_id;               // 0a
    Characters<8> oem_table_id;         // 10
    hv::Le<uint32_t> oem_revision;      // 18
    Characters<4> creator_id;           // 1c
    hv::Le<uint32_t> creator_revision;  // 20
};
static_assert(sizeof(Header) == 36 && offsetof(Header, oem_revision) == 0x18);

struct Xsdt {  // [acpi] 5.2.8
    Header header;
    std::array<hv::Le<uint64_t>, 4> entries;  // header.length says how many are there
};

struct GenericAddress {  // [acpi] 5.2.3.2
    uint8_t space, bit_width, bit_offset, access_size;
    hv::Le<uint64_t> address;
};
static_assert(sizeof(GenericAddress) == 12);

struct Fadt {                                  // [acpi] 5.2.9
    Header header;                             // 00
    hv::Le<uint32_t> firmware_ctrl, dsdt;      // 24
    uint8_t rsvd_2c, preferred_pm_profile;     // 2c
    hv::Le<uint16_t> sci_int;                  // 2e
    std::array<std::byte, 0x3d> fixed_30;      // 30  no fixed hardware
    hv::Le<uint16_t> iapc_boot_arch;           // 6d
    uint8_t rsvd_6f;                           // 6f
    hv::Le<uint32_t> flags;                    // 70
    GenericAddress reset_reg;                  // 74
    uint8_t reset_value;                       // 80
    hv::Le<uint16_t> arm_boot_arch;            // 81
    uint8_t minor_version;                     // 83
    hv::Le<uint64_t> x_firmware_ctrl, x_dsdt;  // 84
    std::array<GenericAddress, 8> blocks_94;   // 94  no fixed hardware
    GenericAddress sleep_control_reg;          // f4
    GenericAddress sleep_status_reg;           // 100
    hv::Le<uint64_t> hypervisor_vendor;        // 10c
};
static_assert(sizeof(Fadt) == 276 && offsetof(Fadt, iapc_boot_arch) == 0x6d &&
              offsetof(Fadt, flags) == 0x70 && offsetof(Fadt, x_dsdt) == 0x8c &&
              offsetof(Fadt, sleep_control_reg) == 0xf4 &&
              offsetof(Fadt, hypervisor_vendor) == 0x10c);

struct MadtLocalApic {  // [acpi] 5.2.12.2
    uint8_t type, length, processor_uid, apic_id;
    hv::Le<uint32_t> flags;  // bit 0: enabled
};
static_assert(sizeof(MadtLocalApic) == 8);

inline constexpr size_t max_apics = 32;

struct Madt {  // [acpi] 5.2.12
    Header header;
    hv::Le<uint32_t> local_apic_address;
    hv::Le<uint32_t> flags;                      // bit 0: there is a dual 8259
    std::array<MadtLocalApic, max_apics> apics;  // header.length says how many are there
};
static_assert(offsetof(Madt, apics) == 44);

struct Tpm2 {                         // [tcg-acpi] 7.3
    Header header;                    // 00
    hv::Le<uint16_t> platform_class;  // 24  0: client
    hv::Le<uint16_t> rsvd_26;
    hv::Le<uint64_t> control_area;         // 28  0: not for TIS
    hv::Le<uint32_t> start_method;         // 30
    std::array<std::byte, 12> parameters;  // 34
    hv::Le<uint32_t> log_minimum_bytes;    // 40  LAML
    hv::Le<uint64_t> log_address;          // 44  LASA
};
static_assert(sizeof(Tpm2) == 76 && offsetof(Tpm2, log_address) == 0x44);

}  // namespace builder::acpi
