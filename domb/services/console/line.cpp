// SPDX-License-Identifier: Apache-2.0
#include "domb/services/console/line.hpp"

#include <algorithm>

namespace console {

void Line::attach(hv::abi::XenconsInterface& page, uint32_t port) {
    port_ = port;
    out_.emplace(page);
    in_.emplace(page);
}

void Line::detach() {
    out_.reset();
    in_.reset();
}

size_t Line::put(std::string_view bytes) {
    told_ -= std::min(told_, bytes.size());
    const size_t count = in_ ? in_->put(bytes) : 0;
    return bytes.size() - count;
}

uint16_t Line::take_room() {
    if (!in_) {
        return 0;
    }
    const size_t room = in_->room();
    const size_t more = room - std::min(room, told_);
    if (more < InRing::capacity / 2) {
        return 0;
    }
    told_ += more;
    return static_cast<uint16_t>(more);
}

}  // namespace console
