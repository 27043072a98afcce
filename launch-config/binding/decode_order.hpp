// SPDX-License-Identifier: Apache-2.0
// The part of decode that reads start order and policies of a domain, and what they need of the
// other domains.
#pragma once

#include "launch-config/binding/node_reader.hpp"

namespace launch {

// The domain's roles are there.
Decoded<void> decode_order(const NodeReader& reader, Domain& domain);

// What needs the other domains. `reader` is that of the domain's node, for messages.
Decoded<void> check_order(const NodeReader& reader, const LaunchGraph& graph, const Domain& domain);

// Of a graph whose domains have all passed check_order: the first domain that waits for ever,
// because it waits for itself through others, or for one that does; the domains' number if none
// does.
size_t first_waiting_for_ever(const LaunchGraph& graph);

}  // namespace launch
