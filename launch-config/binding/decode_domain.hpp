// SPDX-License-Identifier: Apache-2.0
// The part of decode that reads one domain node and the module nodes below it.
#pragma once

#include "launch-config/binding/node_reader.hpp"

namespace launch {

// Fills a new domain. Its domid is 0 when the node leaves the choice to us.
Decoded<void> decode_domain(const NodeReader& reader, Domain& domain, DecodeNotes* notes);

// `default_name` is the label of a module that has none.
Decoded<Artifact> decode_module(const NodeReader& reader, std::string_view default_name,
                                DecodeNotes* notes);

}  // namespace launch
