// SPDX-License-Identifier: Apache-2.0
// What std::string_view does by functions of a library that freestanding code does not have.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace xenstore {

// Of the first such character; the size of the text if there is none.
constexpr size_t position_of(char c, std::string_view text) {
    return static_cast<size_t>(std::find(text.begin(), text.end(), c) - text.begin());
}

// The text without its first characters; there must be as many.
constexpr std::string_view after(std::string_view text, size_t count) {
    text.remove_prefix(count);
    return text;
}

}  // namespace xenstore
