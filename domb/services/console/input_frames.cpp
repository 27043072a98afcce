// SPDX-License-Identifier: Apache-2.0
#include "domb/services/console/input_frames.hpp"

#include <algorithm>

namespace console {
namespace {

// Of a lower-case hex digit; nothing for anything else.
std::optional<uint32_t> value_of(char c) {
    if (c >= '0' && c <= '9') {
        return static_cast<uint32_t>(c - '0');
    }
    if (c >= 'a' && c <= 'f') {
        return static_cast<uint32_t>(c - 'a' + 10);
    }
    return std::nullopt;
}

}  // namespace

std::optional<InputFrames::Piece> InputFrames::next(std::string_view& bytes) {
    while (!bytes.empty()) {
        if (payload_left_ == 0) {
            take_header(bytes.front());
            bytes.remove_prefix(1);
            continue;
        }
        piece_.bytes = {bytes.data(), std::min(payload_left_, bytes.size())};
        payload_left_ -= piece_.bytes.size();
        bytes.remove_prefix(piece_.bytes.size());
        return piece_;
    }
    return std::nullopt;
}

void InputFrames::take_header(char c) {
    const auto digit = value_of(c);
    if (c == hv::abi::uart_frame_start) {
        is_in_header_ = true;
        digits_taken_ = 0;
        header_ = 0;
    } else if (!is_in_header_ || !digit) {
        is_in_header_ = false;
    } else {
        header_ = header_ << 4 | *digit;
        if (++digits_taken_ == digits) {
            is_in_header_ = false;
            piece_.domain = static_cast<uint8_t>(header_ >> 20);
            piece_.channel = static_cast<uint8_t>(header_ >> 16 & 0xf);
            payload_left_ = header_ & 0xffff;
        }
    }
}

}  // namespace console
