// SPDX-License-Identifier: Apache-2.0
#include "launch-config/model/diagnostics.hpp"

#include <algorithm>

namespace launch::model {
namespace {

bool begins_character(char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
}

}  // namespace

Diagnostics::Diagnostics(std::string file, std::string text)
    : file_{std::move(file)}, text_{std::move(text)} {}

void Diagnostics::add(const Place& place, std::string what, std::string expected) {
    const std::string_view before =
        std::string_view{text_}.substr(0, std::min(place.offset, text_.size()));
    const size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const auto column = 1 + std::count_if(before.begin() + static_cast<ptrdiff_t>(line_start),
                                          before.end(), begins_character);
    found_.push_back({place, std::move(what), std::move(expected), static_cast<size_t>(line),
                      static_cast<size_t>(column)});
}

std::vector<Diagnostic> Diagnostics::sorted() const {
    auto all = found_;
    std::stable_sort(all.begin(), all.end(), [](const Diagnostic& a, const Diagnostic& b) {
        return a.place.offset < b.place.offset;
    });
    return all;
}

std::string Diagnostics::to_text(const Diagnostic& d) const {
    const std::string pointer = d.place.pointer.empty() ? "/" : d.place.pointer;
    return file_ + ":" + std::to_string(d.line) + ":" + std::to_string(d.column) + ": " + pointer +
           ": " + d.what + ": " + d.expected;
}

std::string printable(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string clean;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) {
            clean += "\\x";
            clean += digits[byte >> 4];
            clean += digits[byte & 15];
        } else {
            clean += c;
        }
    }
    return clean;
}

std::string quote(std::string_view value) {
    constexpr size_t longest = 60;
    size_t size = std::min(value.size(), longest);
    while (size > 0 && size < value.size() && !begins_character(value[size])) {
        --size;
    }
    return "\"" + printable(value.substr(0, size)) + (size < value.size() ? "…\"" : "\"");
}

}  // namespace launch::model
