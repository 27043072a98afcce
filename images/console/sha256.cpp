// SPDX-License-Identifier: Apache-2.0
#include "images/console/sha256.hpp"

#include <array>

#include <openssl/sha.h>

namespace images {

std::string sha256_hex(std::string_view bytes) {
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    // SAFETY: bytes may be read as unsigned char; OpenSSL reads exactly size() of them.
    SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
    constexpr std::string_view digits = "0123456789abcdef";
    std::string hex;
    for (const unsigned char byte : digest) {
        hex += digits[byte >> 4];
        hex += digits[byte & 0xf];
    }
    return hex;
}

}  // namespace images
