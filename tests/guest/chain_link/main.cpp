// SPDX-License-Identifier: Apache-2.0
// One of a chain of domains that start one after the other, for tests/bench/chain.py: writes
// data/ready and says how long it took for that, then stays out of the others' way for `seconds`.
#include "domb/rt/event_channels.hpp"
#include "tests/guest/harness/guest.hpp"
#include "tests/guest/harness/xenstore_client.hpp"

void guest::run(const rt::StartInfo& info) {
    constexpr uint64_t second = 1'000'000'000;
    rt::EventChannels events = rt::EventChannels::start();
    const uint64_t start = now_ns();
    Client client{30 * second};
    client.send(hv::abi::XsType::XS_WRITE, {"data/ready\0yes", 14});
    client.receive(hv::abi::XsType::XS_WRITE);
    hv::TextOf<60> line;
    print(line.put("bench: own ").dec(now_ns() - start).put('\n').view());

    const uint64_t end = events.now_ns() + option(info, "seconds", 1) * second;
    while (events.now_ns() < end) {
        events.wait({}, end);  // Xenstore's last event may end it early.
    }
}
