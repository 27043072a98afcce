// SPDX-License-Identifier: Apache-2.0
#include "domb/services/console/drain.hpp"

#include "hv/base/text.hpp"

namespace console {
namespace {

// A line on the screen is one of the domain's console, not of its channels.
void look_for_patterns(Patterns& patterns, hv::DomainId domain, const OutRing::Taken& taken) {
    if (taken.lost_bytes != 0) {
        patterns.see_gap(domain);
    }
    patterns.see(domain, taken.text);
}

}  // namespace

void tell_lost(const Line& line, size_t bytes, DrainOutside& outside) {
    if (bytes != 0) {
        hv::TextOf<60> text;
        outside.write(line, text.put("\n[console: ").dec(bytes).put(" bytes lost]\n").view());
    }
}

bool drain(Line& line, Patterns& patterns, DrainOutside& outside) {
    static constinit OutRing::Buffer buffer{};
    if (!line.is_attached()) {
        return false;
    }
    outside.clear_event(line.port());
    if (line.is_gone()) {
        line.detach();
        return false;
    }
    if (const uint16_t room = line.take_room(); room != 0) {
        outside.tell_room(line, room);
    }
    const OutRing::Taken taken = line.take(buffer);
    if (taken.text.empty()) {
        return false;
    }
    outside.notify(line.port());
    if (line.channel() == 0) {
        look_for_patterns(patterns, line.domain(), taken);
    }
    // In each turn and not once a round, which takes long when many lines wait for the UART. It may
    // take this very line from its domain; its bytes are here.
    outside.ask_xenstore();
    tell_lost(line, taken.lost_bytes, outside);
    outside.write(line, taken.text);
    return true;
}

}  // namespace console
