// SPDX-License-Identifier: Apache-2.0
// Alignment of a log with the reference events, so that one missing event is reported as one, not
// as a difference of all that follow. Used by verify only.
#pragma once

#include "measure/replay/reference.hpp"
#include "measure/replay/replay.hpp"

#include <span>
#include <string>
#include <vector>

namespace measure {

// A reference event and its counterpart in the log. One of them may be missing, never both.
struct Pair {
    const ReferenceEvent* expected = nullptr;
    const RawEvent* found = nullptr;
};

// In order; every event of both sides stands in exactly one pair.
std::vector<Pair> align(std::span<const ReferenceEvent* const> expected,
                        std::span<const RawEvent* const> found);

// What an event calls itself: "domain web", {"blob":"kernel","domain":"web", or nothing.
std::string label_of(EventType type, std::span<const std::byte> data);

}  // namespace measure
