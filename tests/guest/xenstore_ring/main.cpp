// SPDX-License-Identifier: Apache-2.0
// A client of Xenstore. For `seconds` it writes and reads back what is its own, and fails when an
// answer is wrong or takes longer than `max_gap_ms`. With `rude=1` it first does for as long what
// no client may: indices that make no sense, pages full of noise or of ones, messages that are
// none, requests whose replies it does not read; from time to time it reconnects, which has to
// work.
#include "domb/rt/hypercall.hpp"
#include "hv/abi/xen_sched.hpp"
#include "tests/guest/harness/guest.hpp"
#include "tests/guest/harness/xenstore_client.hpp"

#include <atomic>
#include <cstring>

namespace {

using guest::Client;
using hv::abi::XsdSockmsg;
using hv::abi::XsType;

constexpr uint32_t ring_size = hv::abi::XENSTORE_RING_SIZE;

class Random {
  public:
    uint32_t next() {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 17;
        state_ ^= state_ << 5;
        return state_;
    }

  private:
    uint32_t state_ = 2463534242;
};

void be_rude(Client& client, Random& random) {
    auto& page = client.page();
    switch (random.next() % 6) {
        case 0:
            std::atomic_ref{page.req_prod}.store(random.next());
            std::atomic_ref{page.req_cons}.store(random.next());
            std::atomic_ref{page.rsp_prod}.store(random.next());
            std::atomic_ref{page.rsp_cons}.store(random.next());
            break;
        case 1:
            memset(&page, 0xff, sizeof(page));
            break;
        case 2:
            for (char& c : page.req) {
                c = static_cast<char>(random.next());
            }
            std::atomic_ref{page.req_prod}.fetch_add(random.next() % ring_size);
            break;
        case 3: {
            const XsdSockmsg header{.type = random.next() % 30,
                                    .req_id = random.next(),
                                    .tx_id = random.next() % 3,
                                    .len = random.next() % 5000};
            memcpy(page.req, &header, sizeof(header));
            std::atomic_ref{page.req_cons}.store(0);
            std::atomic_ref{page.req_prod}.store(ring_size);
            break;
        }
        case 4:
            client.reconnect();
            // Fifty requests have room in their ring, their replies have none.
            for (int i = 0; i < 50; ++i) {
                client.send(XsType::XS_GET_DOMAIN_PATH, {"1", 2});  // with its NUL
            }
            break;
        default:
            client.reconnect();
            break;
    }
    client.notify();
    rt::hypercall(rt::Hypercall::sched_op, hv::abi::SchedOp::SCHEDOP_yield);
}

void expect_round_trip(Client& client, uint64_t number) {
    constexpr std::string_view path{"data/number", 12};  // with its NUL
    hv::TextOf<40> value;
    value.dec(number);
    hv::TextOf<60> request;
    request.put(path).put(value.view());
    client.send(XsType::XS_WRITE, request.view());
    if (client.receive(XsType::XS_WRITE) != std::string_view{"OK", 3}) {
        guest::fail("a write is not acknowledged, number", number);
    }
    client.send(XsType::XS_READ, path);
    if (client.receive(XsType::XS_READ) != value.view()) {
        guest::fail("another value is read, number", number);
    }
}

}  // namespace

void guest::run(const rt::StartInfo& info) {
    constexpr uint64_t ms = 1'000'000;
    const uint64_t duration = option(info, "seconds", 3) * 1000 * ms;
    Client client{option(info, "max_gap_ms", 4000) * ms};
    if (option(info, "rude", 0) != 0) {
        Random random;
        uint64_t deeds = 0;
        for (const uint64_t end = now_ns() + duration; now_ns() < end; ++deeds) {
            be_rude(client, random);
        }
        client.reconnect();
        hv::TextOf<40> line;
        print(line.dec(deeds).put(" rude deeds\n").view());
    }
    uint64_t rounds = 0;
    for (const uint64_t end = now_ns() + duration; now_ns() < end; ++rounds) {
        expect_round_trip(client, rounds);
    }
    hv::TextOf<40> line;
    print(line.dec(rounds).put(" round trips\n").view());
}
