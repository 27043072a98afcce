// SPDX-License-Identifier: Apache-2.0
// The part of decode that reads the nodes of PV devices below a domain's.
#pragma once

#include "launch-config/binding/node_reader.hpp"

namespace launch {

// False, and nothing happens, if the node is none of a device.
Decoded<bool> decode_device(const NodeReader& reader, Domain& domain, DecodeNotes* notes);

// What needs the other domains: back ends and a Xenstore exist, MAC addresses are different.
// `reader` is that of the domain's node, for messages.
Decoded<void> check_devices(const NodeReader& reader, const LaunchGraph& graph,
                            const Domain& domain);

}  // namespace launch
