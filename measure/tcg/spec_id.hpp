// SPDX-License-Identifier: Apache-2.0
// Fixed values of the Spec ID event that starts a crypto-agile log, [tcg-pfp] 10.4.5.1. Used by the
// writer and the reader of the log only.
#pragma once

#include <array>
#include <cstdint>

namespace measure::spec_id {

inline constexpr std::array<char, 16> signature{'S', 'p', 'e', 'c', ' ', 'I', 'D', ' ',
                                                'E', 'v', 'e', 'n', 't', '0', '3', '\0'};
inline constexpr uint32_t platform_class = 0;  // client
inline constexpr uint8_t version_minor = 0;
inline constexpr uint8_t version_major = 2;
inline constexpr uint8_t errata = 0;
inline constexpr uint8_t uintn_size = 2;  // 64 bits

}  // namespace measure::spec_id
