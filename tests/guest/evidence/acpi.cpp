// SPDX-License-Identifier: Apache-2.0
#include "tests/guest/evidence/acpi.hpp"

#include "tests/guest/harness/guest.hpp"

#include <algorithm>
#include <string_view>

namespace guest {
namespace {

using Bytes = std::span<const std::byte>;

Bytes memory(uint64_t gpaddr, size_t bytes) {
    // SAFETY: identity mapping; what is not there reads as all ones and has no good checksum.
    return {reinterpret_cast<const std::byte*>(gpaddr), bytes};
}

uint64_t number(Bytes table, size_t offset, size_t bytes) {
    uint64_t value = 0;
    for (size_t i = bytes; i-- > 0;) {
        value = value << 8 | static_cast<uint64_t>(table[offset + i]);
    }
    return value;
}

bool adds_up_to_zero(Bytes bytes) {
    uint8_t sum = 0;
    for (const std::byte b : bytes) {
        sum = static_cast<uint8_t>(sum + static_cast<uint8_t>(b));
    }
    return sum == 0;
}

bool has_signature(Bytes table, std::string_view signature) {
    return std::ranges::equal(table.first(signature.size()), std::as_bytes(std::span{signature}));
}

// The whole table whose header is at `gpaddr`.
Bytes table_at(uint64_t gpaddr) {
    constexpr size_t header_bytes = 36;
    constexpr size_t most_bytes = 65536;
    const size_t bytes = number(memory(gpaddr, header_bytes), 4, 4);
    if (bytes < header_bytes || bytes > most_bytes) {
        fail("an ACPI table has a wrong length at", gpaddr);
    }
    const Bytes table = memory(gpaddr, bytes);
    if (!adds_up_to_zero(table)) {
        fail("an ACPI table has a wrong checksum at", gpaddr);
    }
    return table;
}

}  // namespace

std::optional<Bytes> find_log_area(uint64_t rsdp) {
    const Bytes root = memory(rsdp, 36);
    if (!has_signature(root, "RSD PTR ") || !adds_up_to_zero(root.first(20)) ||
        !adds_up_to_zero(root)) {
        fail("no RSDP at", rsdp);
    }
    const Bytes xsdt = table_at(number(root, 24, 8));
    for (size_t at = 36; has_signature(xsdt, "XSDT") && at + 8 <= xsdt.size(); at += 8) {
        const Bytes table = table_at(number(xsdt, at, 8));
        if (has_signature(table, "TPM2") && table.size() >= 76) {
            const uint64_t bytes = number(table, 64, 4);
            const uint64_t address = number(table, 68, 8);
            return bytes == 0 ? std::nullopt : std::optional{memory(address, bytes)};
        }
    }
    return std::nullopt;
}

}  // namespace guest
