// SPDX-License-Identifier: Apache-2.0
// When a domain of a launch starts, and what its failures lead to ([design] 5). Part of the launch
// graph, so of the measured configuration. hv knows only which domains wait (is_held); the rest is
// the launcher's (domb/services/launcher).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace launch {

inline constexpr size_t max_after = 8;  // domains that one waits for
inline constexpr size_t max_ready_path_bytes = 127;
inline constexpr size_t max_ready_text_bytes = 127;
inline constexpr uint32_t max_ready_timeout_ms = 3'600'000;
inline constexpr uint32_t default_ready_timeout_ms = 60'000;

// What makes a domain ready, for those that start after it.
enum class ReadyWhen : uint8_t {
    Started,    // its first vCPU may run
    Serving,    // every PV device that it serves has been taken up: its back end is in InitWait or
                // beyond
    Connected,  // every PV device of its own is connected
    Xenstore,   // a node of its own has a value
    Console,    // its console has printed a text
};

struct Ready {
    ReadyWhen when = ReadyWhen::Started;
    std::string_view path;  // Xenstore: below its /local/domain/<domid>, "data" or "data/..."
    std::string_view
        text;  // Xenstore: the value, empty: any but the empty one; Console: within a line
    uint32_t timeout_ms = default_ready_timeout_ms;  // from its start; 1 to max_ready_timeout_ms

    bool operator==(const Ready&) const = default;
};

// What a failure leads to. A domain fails when domB refuses it, when it is not ready in time, and
// when it ends before it was ready; it crashes when it ends later in a way that is not expected.
enum class Policy : uint8_t {
    Ignore,    // nothing: it counts as ready, and whoever waits for it starts
    Halt,      // every domain is ended, and the machine with them
    Recovery,  // the recovery domain starts; what has not started yet never does
};

bool is_ready_path(std::string_view s);  // "data", or below it, of the characters of Xenstore paths
bool is_ready_text(std::string_view s);  // printable ASCII, perhaps none

std::string_view to_string(ReadyWhen when);
std::string_view to_string(Policy policy);

}  // namespace launch
