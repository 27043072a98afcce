// SPDX-License-Identifier: Apache-2.0
// Bytes as hex digits and back. For files and messages of the host tools.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace measure {

// Lower case, without separators.
std::string to_hex(std::span<const std::byte> bytes);
// Both cases; nothing else, and an even number of digits.
std::optional<std::vector<std::byte>> from_hex(std::string_view text);

}  // namespace measure
