// SPDX-License-Identifier: Apache-2.0
// Two domains, one of which offers pages and a port to the other.
#include "tests/linux/xen_devices.hpp"

#include <cstdio>

namespace xen_devices {

namespace {
constexpr size_t shared_pages = 3;
constexpr size_t end_mark = 8;  // the byte of page 0 that is cleared when the user unmaps it
}  // namespace

void offer_to(unsigned peer) {
    const Device gntalloc{"/dev/xen/gntalloc"};
    Events events;
    const Offer offer{gntalloc, peer, shared_pages};
    const unsigned port = events.offer(peer);
    for (size_t n = 0; n < shared_pages; ++n) {
        offer.pages().word(n) = 0xa000 + n;
        offer.pages().word(n, 1) = 1;
    }
    std::printf("offers %u", port);
    for (const uint32_t ref : offer.refs()) {
        std::printf(" %u", ref);
    }
    std::printf("\n");
    std::fflush(stdout);

    events.take(port, "the first word of the user");
    for (size_t n = 0; n < shared_pages; ++n) {
        require(offer.pages().word(n, 2) == 0xb000 + n, "what the user wrote");
        offer.pages().word(n, 3) = 0xc000 + n;
    }
    require(offer.pages().word(0, 1) == 1, "the mark stays as long as the user");
    events.notify(port);
    events.take(port, "word of the end");
    require(offer.pages().word(0, 1) == 0, "the mark is cleared at the end");
}

void use_of(unsigned peer, unsigned port, const std::vector<uint32_t>& refs) {
    const Device gntdev{"/dev/xen/gntdev"};
    Events events;
    const unsigned ours = events.bind(peer, port);
    events.take(ours, "a port that was just bound has an event");
    require(refs.size() == shared_pages, "as many grants as there should be");
    Grants grants{gntdev, peer, refs};
    require(grants.pages().is_there(), "grants of another domain");
    grants.notify_at_end(end_mark, ours);
    for (size_t n = 0; n < shared_pages; ++n) {
        require(grants.pages().word(n) == 0xa000 + n, "what the owner wrote");
        grants.pages().word(n, 2) = 0xb000 + n;
    }
    events.notify(ours);
    events.take(ours, "the owner's answer");
    for (size_t n = 0; n < shared_pages; ++n) {
        require(grants.pages().word(n, 3) == 0xc000 + n, "what the owner wrote then");
    }
}

}  // namespace xen_devices
