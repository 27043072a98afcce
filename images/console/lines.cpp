// SPDX-License-Identifier: Apache-2.0
#include "images/console/lines.hpp"

#include <algorithm>
#include <utility>

namespace images {

LineSplitter::LineSplitter(Sink sink) : sink_{std::move(sink)} {}

void LineSplitter::feed(std::string_view bytes) {
    while (!bytes.empty()) {
        const size_t end = bytes.find('\n');
        if (end == 0) {
            bytes.remove_prefix(1);
            emit();
            continue;
        }
        if (line_.size() == max_line_bytes) {
            emit();
        }
        const size_t count = std::min({max_line_bytes - line_.size(), end, bytes.size()});
        line_.append(bytes.substr(0, count));
        bytes.remove_prefix(count);
    }
}

void LineSplitter::finish() {
    if (!line_.empty()) {
        emit();
    }
}

void LineSplitter::emit() {
    std::string line = std::exchange(line_, {});
    line.resize(line.find_last_not_of('\r') + 1);
    sink_(line);
}

std::string printable(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string safe;
    safe.reserve(text.size());
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte >= 0x20 && byte < 0x7f) || c == '\t') {
            safe += c;
        } else {
            safe += "\\x";
            safe += digits[byte >> 4];
            safe += digits[byte & 0xf];
        }
    }
    return safe;
}

std::vector<std::string> to_rows(std::string_view text, size_t width) {
    constexpr size_t tab = 8;
    std::string plain;
    for (const char c : text) {
        plain.append(c == '\t' ? tab - plain.size() % tab : 1, c == '\t' ? ' ' : c);
    }
    std::vector<std::string> rows;
    do {
        rows.push_back(plain.substr(0, width));
        plain.erase(0, width);
    } while (!plain.empty());
    return rows;
}

}  // namespace images
