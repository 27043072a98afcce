// SPDX-License-Identifier: Apache-2.0
// What the hypervisor needs of the firmware's ACPI tables: the CPUs, the TPM's presence, how to
// power off. [acpi] 5.2. Tables are firmware bytes: every length is checked.
#pragma once

#include "hv/base/static_vector.hpp"
#include "hv/x86/cpu_local.hpp"

#include <cstdint>
#include <optional>

namespace hv::dev {

struct AcpiInfo {
    StaticVector<uint32_t, x86::max_cpus> apic_ids;  // usable CPUs, in MADT order, each once
    uint32_t repeated_cpus = 0;  // entries left out because their APIC id was there already
    uint16_t pm1a_control = 0;   // 0 if there is no such port
    uint8_t s5_sleep_type = 0;
    bool has_tpm2_table = false;
};

// nullopt: no RSDP where BIOS firmware leaves it (0xe0000 to 0xfffff, or the usual EBDA).
std::optional<AcpiInfo> read_acpi();

}  // namespace hv::dev
