// SPDX-License-Identifier: Apache-2.0
#include "measure/replay/event_name.hpp"

namespace measure {

std::string event_name(EventType type) {
    switch (type) {
        case EventType::EV_NO_ACTION:
            return "EV_NO_ACTION";
        case EventType::EV_SEPARATOR:
            return "EV_SEPARATOR";
        case EventType::EV_ACTION:
            return "EV_ACTION";
        case EventType::EV_EVENT_TAG:
            return "EV_EVENT_TAG";
        case EventType::EV_COMPACT_HASH:
            return "EV_COMPACT_HASH";
        case EventType::EV_IPL:
            return "EV_IPL";
        default:
            return "event type " + std::to_string(static_cast<uint32_t>(type));
    }
}

}  // namespace measure
