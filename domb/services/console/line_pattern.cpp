// SPDX-License-Identifier: Apache-2.0
#include "domb/services/console/line_pattern.hpp"

#include "hv/base/assert.hpp"

#include <algorithm>

namespace console {

LinePattern::LinePattern(std::string_view text) : size_{static_cast<uint8_t>(text.size())} {
    ASSERT(!text.empty() && text.size() <= max_bytes);
    std::copy(text.begin(), text.end(), text_.begin());
    uint8_t border = 0;
    for (size_t n = 1; n < size_; ++n) {
        while (border > 0 && text_[n] != text_[border]) {
            border = border_[border];
        }
        border = text_[n] == text_[border] ? static_cast<uint8_t>(border + 1) : border;
        border_[n + 1] = border;
    }
}

bool LinePattern::see(std::string_view bytes) {
    for (const char c : bytes) {
        if (matched_ == size_) {
            return true;
        }
        if (c == '\n') {
            matched_ = 0;
            continue;
        }
        while (matched_ > 0 && text_[matched_] != c) {
            matched_ = border_[matched_];
        }
        matched_ = text_[matched_] == c ? static_cast<uint8_t>(matched_ + 1) : matched_;
    }
    return matched_ == size_;
}

}  // namespace console
