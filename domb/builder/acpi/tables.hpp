// SPDX-License-Identifier: Apache-2.0
// The ACPI tables of a PVH domain: RSDP, XSDT, FADT (hardware reduced), MADT, DSDT, and for the
// domain with the role tpm an SSDT with the device and the TPM2 table with the event log.
#pragma once

#include "domb/builder/table_area.hpp"

#include <cstdint>

namespace builder::acpi {

struct Machine {
    uint32_t vcpu_count = 1;
    bool tpm = false;
    uint64_t log_gpaddr = 0;  // the event log's whole area, used with `tpm`
    uint32_t log_bytes = 0;
};

// Writes all tables; the result is the guest address of the RSDP.
uint64_t write_tables(TableArea& area, const Machine& machine);

}  // namespace builder::acpi
