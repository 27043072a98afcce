// SPDX-License-Identifier: Apache-2.0
// Which domain's evidence counts, and storing it. The verifier judges what is stored.
#pragma once

#include "images/console/launch_record.hpp"
#include "images/qemu/boot_report.hpp"
#include "images/qemu/boot_set.hpp"

#include <cstdint>

namespace images {

// The domain that had a TPM to read: it has the role "tpm" in the launch control module of the set,
// and the hypervisor's record does not say that it went without. Or why there is none: what others
// print is made up, however well, because every value can be predicted.
Outcome<uint16_t> evidence_domain(const BootSet& set, const LaunchRecord& record);

// Stores the blocks of `carrier` and the PCRs that swtpm told. What any other domain claims to be
// evidence becomes a fault in the report.
Outcome<void> store_evidence(BootReport& report, const Outcome<uint16_t>& carrier);

}  // namespace images
