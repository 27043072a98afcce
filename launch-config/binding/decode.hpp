// SPDX-License-Identifier: Apache-2.0
// decode: the launch graph of an LCM. The same code runs in hv, in domB, in the tool and in the
// verifier, so all of them see one launch. binding.md says what is accepted.
// The bytes may be hostile: whatever they are, decode ends, stays inside them and says why it
// refuses. It does not judge whether the machine can carry the plan.
#pragma once

#include "hv/base/result.hpp"
#include "hv/base/static_string.hpp"
#include "hv/base/static_vector.hpp"
#include "launch-config/binding/launch_graph.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace launch {

// Why an LCM is refused. The launcher of the machine corrects the LCM; there is nothing to retry.
enum class DecodeReason : uint8_t {
    TooLarge,        // more than max_lcm_bytes
    NotATree,        // not a flattened device tree, or a damaged one
    NoLaunch,        // a device tree, but it describes no launch
    Missing,         // a required property or node is absent
    Malformed,       // a property has the wrong size or encoding
    OutOfRange,      // a number or a length beyond what this program supports
    Duplicate,       // what must be unique is shared: name, domid, uuid, a single role, a device
    TooMany,         // more domains, modules or devices than this program supports
    NoSuchDomain,    // a back end, or whom one waits for, that is no domain of the launch
    Contradiction,   // two properties that cannot both be meant
    NotImplemented,  // understood, but this version cannot do it
};
std::string_view to_string(DecodeReason reason);

// What is wrong, and where: the node's path in the tree and the property, if it is about one.
struct DecodeError {
    DecodeReason reason{};
    hv::StaticString<96> path;
    hv::StaticString<32> property;
};

// A node or property that the decoder does not know and has skipped.
struct DecodeNote {
    hv::StaticString<96> path;
    hv::StaticString<32> property;  // empty: the whole node
};
using DecodeNotes = hv::StaticVector<DecodeNote, 16>;  // further notes are dropped

// Fills `out`, whose strings then view `lcm`. After an error the content of `out` means nothing.
hv::Result<void, DecodeError> decode(std::span<const std::byte> lcm, LaunchGraph& out,
                                     DecodeNotes* notes = nullptr);

}  // namespace launch
