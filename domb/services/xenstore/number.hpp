// SPDX-License-Identifier: Apache-2.0
// Decimal numbers as clients send them: digits only. EINVAL for anything else.
#pragma once

#include "domb/services/xenstore/error.hpp"
#include "hv/base/address.hpp"

#include <cstdint>
#include <string_view>

namespace xenstore {

inline Result<uint32_t> parse_number(std::string_view text, uint32_t max = UINT32_MAX) {
    uint64_t value = 0;
    if (text.empty()) {
        return hv::Err{Error::Invalid};
    }
    for (const char c : text) {
        if (c < '0' || c > '9') {
            return hv::Err{Error::Invalid};
        }
        value = value * 10 + static_cast<uint64_t>(c - '0');
        if (value > max) {
            return hv::Err{Error::Invalid};
        }
    }
    return static_cast<uint32_t>(value);
}

inline Result<hv::DomainId> parse_domain(std::string_view text) {
    return hv::DomainId{static_cast<uint16_t>(TRY(parse_number(text, UINT16_MAX)))};
}

}  // namespace xenstore
