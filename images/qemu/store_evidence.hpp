// SPDX-License-Identifier: Apache-2.0
// Which domain's evidence counts, and storing it. The verifier judges what is stored.
#pragma once

#include "images/qemu/boot_report.hpp"
#include "images/qemu/boot_set.hpp"

#include <cstdint>
#include <optional>

namespace images {

// The domain with the role "tpm", by the launch control module of the set.
std::optional<uint16_t> evidence_domain(const BootSet& set);

// Stores the blocks of `carrier`, or of the first domain that has any when there is none, and the
// PCRs that swtpm told. What any other domain claims to be evidence becomes a fault in the report.
Outcome<void> store_evidence(BootReport& report, std::optional<uint16_t> carrier);

}  // namespace images
