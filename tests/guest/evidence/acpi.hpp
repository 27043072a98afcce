// SPDX-License-Identifier: Apache-2.0
// The little ACPI that leads to the event log: RSDP, XSDT, TPM2 ([acpi] 5.2, [tcg-acpi] 7.3). Every
// table is checked: this is also the test that a guest finds well-formed ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace guest {

// What the TPM2 table says of the log; none without a table or without a log.
std::optional<std::span<const std::byte>> find_log_area(uint64_t rsdp);

}  // namespace guest
