// SPDX-License-Identifier: Apache-2.0
#include "images/console/frame_splitter.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace images {

namespace {

bool is_lower_hex(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

unsigned parse_hex(std::string_view digits) {
    unsigned value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    return value;
}

}  // namespace

FrameSplitter::FrameSplitter(Sink sink) : sink_{std::move(sink)} {}

void FrameSplitter::feed(std::string_view bytes) {
    while (!bytes.empty()) {
        if (payload_left_ > 0) {
            bytes.remove_prefix(feed_payload(bytes));
        } else if (header_used_ == 0) {
            bytes.remove_prefix(feed_outside(bytes));
        } else if (is_lower_hex(bytes.front())) {
            feed_header(bytes.front());
            bytes.remove_prefix(1);
        } else {
            // The byte itself is looked at again: it may start the next frame.
            reject_header();
        }
    }
}

size_t FrameSplitter::feed_outside(std::string_view bytes) {
    const size_t count = std::min(bytes.find(hv::abi::uart_frame_start), bytes.size());
    if (count > 0) {
        sink_(std::nullopt, bytes.substr(0, count));
        return count;
    }
    header_[header_used_++] = bytes.front();
    return 1;
}

void FrameSplitter::feed_header(char c) {
    header_[header_used_++] = c;
    if (header_used_ == header_.size()) {
        finish_header();
    }
}

void FrameSplitter::finish_header() {
    const std::string_view header{header_.data(), header_.size()};
    from_ = {.source = static_cast<uint8_t>(parse_hex(header.substr(1, 2))),
             .channel = static_cast<uint8_t>(parse_hex(header.substr(3, 1)))};
    payload_left_ = parse_hex(header.substr(4, 4));
    header_used_ = 0;
}

void FrameSplitter::reject_header() {
    ++malformed_;
    const std::string_view text{header_.data(), header_used_};
    header_used_ = 0;
    sink_(std::nullopt, text);
}

size_t FrameSplitter::feed_payload(std::string_view bytes) {
    const size_t count = std::min(payload_left_, bytes.size());
    payload_left_ -= count;
    sink_(from_, bytes.substr(0, count));
    return count;
}

}  // namespace images
