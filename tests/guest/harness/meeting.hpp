// SPDX-License-Identifier: Apache-2.0
// What domains of a test do in a certain order although nobody knows how fast each of them is: by
// event channels, so that it works without Xenstore.
#pragma once

#include "domb/rt/event_channels.hpp"
#include "hv/base/address.hpp"

namespace guest {

// Returns when the other domain has come to its own meet() with this one, and fails if it does not
// come. For each other domain once.
void meet(rt::EventChannels& events, hv::DomainId other);

// Whether the domain has ended.
bool is_gone(hv::DomainId other);

}  // namespace guest
