// SPDX-License-Identifier: Apache-2.0
// The four phases of a launch after the point of no return, each a one-way door ([design] 2), and
// what happens to domains that end.
#pragma once

#include <cstdint>

namespace hv::boot {
struct Machine;
}

namespace hv::hyperlaunch {

struct Plan;

enum class Phase : uint8_t {
    Prepare,  // domB builds and measures; nothing else runs
    Capped,   // the separators are extended; domB has lost TPM, log and guest memory
    Gone,     // domB has ended; its memory and the modules are scrubbed and free
    Running,  // domains run
};
Phase phase();

// What reap() works on.
void keep_for_reaping(boot::Machine& machine, const Plan& plan);

// Prepare to Capped: domB says everything is decided, and whether everything is measured, which is
// believed only where hv's own part is. False, and nothing happens, if the plan requires
// measurement, it was not, and no domain may start then.
bool enter_capped(bool is_said_measured);

// Called by every CPU's run loop: when a domain has ended and no CPU is inside any more, tears it
// down; when it was domB, opens the next door; after the last domain, powers off.
void reap();

// When somebody must call reap() again though nothing happens until then; 0: never.
uint64_t reap_deadline_ns();

}  // namespace hv::hyperlaunch
