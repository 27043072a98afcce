// SPDX-License-Identifier: Apache-2.0
#include "measure/replay/printable.hpp"

#include "measure/replay/hex.hpp"

#include <algorithm>

namespace measure {

std::string printable(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c >= 0x20 && c <= 0x7e) {
            out += c;
        } else {
            out += "\\x" + to_hex(std::as_bytes(std::span{&c, 1}));
        }
    }
    return out;
}

std::string printable(std::span<const std::byte> bytes) {
    std::string text;
    for (const std::byte b : bytes) {
        text += static_cast<char>(b);
    }
    return printable(text);
}

std::string printable_lines(std::span<const std::byte> bytes) {
    std::string text;
    while (!bytes.empty()) {
        const auto end = std::find(bytes.begin(), bytes.end(), std::byte{'\n'});
        const auto size = static_cast<size_t>(end - bytes.begin());
        text += printable(bytes.first(size));
        text += end == bytes.end() ? "" : "\n";
        bytes = bytes.subspan(end == bytes.end() ? size : size + 1);
    }
    return text;
}

}  // namespace measure
