// SPDX-License-Identifier: Apache-2.0
// Names of event types for messages.
#pragma once

#include "measure/tcg/event_type.hpp"

#include <string>

namespace measure {

// "EV_IPL"; a type that has no name here as a number.
std::string event_name(EventType type);

}  // namespace measure
