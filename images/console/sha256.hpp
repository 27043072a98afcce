// SPDX-License-Identifier: Apache-2.0
// SHA-256 on the host, for checking evidence on its way in. Measurements use measure/.
#pragma once

#include <string>
#include <string_view>

namespace images {

// In lower-case hex digits.
std::string sha256_hex(std::string_view bytes);

}  // namespace images
