// SPDX-License-Identifier: Apache-2.0
// The well-behaved neighbour of a guest that misbehaves: for `seconds` it prints a heartbeat every
// 100 ms and checks a pattern over `mib` of its RAM. It fails when the pattern changes, or when it
// did not run for longer than `max_gap_ms`. It stays until the domain `outlives` has ended, and for
// `seconds` more, and before its end it meets the domain `meets`.
#include "domb/rt/event_channels.hpp"
#include "tests/guest/harness/guest.hpp"
#include "tests/guest/harness/meeting.hpp"

namespace {

constexpr uint64_t ms = 1'000'000;
constexpr uint64_t first_byte = 0x400000;

uint64_t value_at(uint64_t address) {
    return address * 0x9e3779b97f4a7c15;
}

void fill(uint64_t end) {
    for (uint64_t at = first_byte; at < end; at += 8) {
        guest::poke(at, value_at(at));
    }
}

void check(uint64_t end) {
    for (uint64_t at = first_byte; at < end; at += 8) {
        if (guest::peek(at) != value_at(at)) {
            guest::fail("memory has changed at", at);
        }
    }
}

hv::DomainId domain_of(const rt::StartInfo& info, std::string_view key) {
    return hv::DomainId{static_cast<uint16_t>(guest::option(info, key, 0))};
}

}  // namespace

void guest::run(const rt::StartInfo& info) {
    const uint64_t end = first_byte + (option(info, "mib", 8) << 20);
    const uint64_t max_gap = option(info, "max_gap_ms", 2000) * ms;
    rt::EventChannels events = rt::EventChannels::start();
    fill(end);

    const uint64_t start = events.now_ns();
    const uint64_t duration = option(info, "seconds", 6) * 1000 * ms;
    const hv::DomainId mortal = domain_of(info, "outlives");
    bool waits = mortal != hv::DomainId{};
    uint64_t stop = start + duration;
    uint64_t longest = 0;
    uint64_t beats = 0;
    for (uint64_t last = start; last < stop || waits; ++beats) {
        check(end);
        events.wait({}, last + 100 * ms);
        const uint64_t now = events.now_ns();
        if (now < last) {
            fail("system time goes backwards by", last - now);
        }
        longest = now - last > longest ? now - last : longest;
        last = now;
        if (waits && is_gone(mortal)) {
            waits = false;
            stop = now + duration;
        }
        hv::TextOf<80> line;
        line.put("heartbeat ").dec(beats).put(" at ").dec((now - start) / ms).put(" ms\n");
        print(line.view());
    }
    if (longest > max_gap) {
        fail("a gap, in ns, of", longest);
    }
    if (const hv::DomainId other = domain_of(info, "meets"); other != hv::DomainId{}) {
        meet(events, other);
    }
}
