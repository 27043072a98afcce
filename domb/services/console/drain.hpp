// SPDX-License-Identifier: Apache-2.0
// drain: one line's turn. Takes what its domain has written and hands it on. What others wait for
// comes first: the domain for room, the launcher for a text, front ends for Xenstore's answers. The
// UART, which may be slow, comes last. Used by main.cpp, for each line in turn.
#pragma once

#include "domb/services/console/line.hpp"
#include "domb/services/console/patterns.hpp"

#include <cstdint>
#include <string_view>

namespace console {

// What that does to the world around, so that the same code runs in a domain and in tests.
class DrainOutside {
  public:
    virtual void clear_event(uint32_t port) = 0;
    virtual void notify(uint32_t port) = 0;
    // The host may send so many bytes more.
    virtual void tell_room(const Line& line, uint16_t bytes) = 0;
    // Goes on with what there is to ask Xenstore and to do about its answers.
    virtual void ask_xenstore() = 0;
    // Waits until the UART has room.
    virtual void write(const Line& line, std::string_view text) = 0;

  protected:
    ~DrainOutside() = default;
};

// True if there was something.
bool drain(Line& line, Patterns& patterns, DrainOutside& outside);

// Says in the domain's output that so many bytes are missing; nothing for none.
void tell_lost(const Line& line, size_t bytes, DrainOutside& outside);

}  // namespace console
