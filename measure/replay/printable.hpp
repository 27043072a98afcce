// SPDX-License-Identifier: Apache-2.0
// What evidence says, for people and terminals: it is whoever wrote it who chose the bytes.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace measure {

// Bytes for people: whatever is not printable ASCII as \xNN. Canonical text is escaped already, so
// the backslash stays.
std::string printable(std::span<const std::byte> bytes);
std::string printable(std::string_view text);
// The same, but line ends stay: for the members of JSON objects.
std::string printable_lines(std::span<const std::byte> bytes);

}  // namespace measure
