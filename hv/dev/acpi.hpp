// SPDX-License-Identifier: Apache-2.0
// What the hypervisor needs of the firmware's ACPI tables: the CPUs, the TPM's presence, how to
// power off, where COM1 interrupts. [acpi] 5.2. Tables are firmware bytes: every length is checked.
#pragma once

#include "hv/base/static_vector.hpp"
#include "hv/dev/io_apic.hpp"
#include "hv/x86/cpu_local.hpp"

#include <cstdint>
#include <optional>

namespace hv::dev {

struct IoApicEntry {
    uint32_t address = 0;
    uint32_t first_interrupt = 0;  // global number of its pin 0
};

struct AcpiInfo {
    StaticVector<uint32_t, x86::max_cpus> apic_ids;  // usable CPUs, in MADT order, each once
    uint32_t repeated_cpus = 0;  // entries left out because their APIC id was there already
    uint16_t pm1a_control = 0;   // 0 if there is no such port
    uint8_t s5_sleep_type = 0;
    bool has_tpm2_table = false;
    StaticVector<IoApicEntry, 8> io_apics;
    // Where COM1's interrupt arrives; the ISA's own unless the MADT says otherwise.
    uint32_t com1_interrupt = 4;
    bool com1_is_active_low = false;
    bool com1_is_level = false;
};

// The pin of COM1's interrupt; nullopt: no I/O APIC has it.
std::optional<InterruptRoute> com1_route(const AcpiInfo& info);

// nullopt: no RSDP where BIOS firmware leaves it (0xe0000 to 0xfffff, or the usual EBDA).
std::optional<AcpiInfo> read_acpi();

}  // namespace hv::dev
