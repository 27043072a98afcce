// SPDX-License-Identifier: Apache-2.0
// A client of Xenstore that wants everything: 10,000 watches and more transactions than there are,
// each with something written. It gets what the quotas of domb/services/xenstore allow, is told
// E2BIG and ENOSPC for the rest, and ends with all of it open.
#include "tests/guest/harness/guest.hpp"
#include "tests/guest/harness/xenstore_client.hpp"

namespace {

using guest::Client;
using hv::abi::XsType;

constexpr uint64_t watches_asked = 10000;
constexpr uint64_t watches_allowed = 128;
constexpr uint64_t transactions_asked = 20;
constexpr uint64_t transactions_allowed = 10;
constexpr uint64_t at_a_time = 20;  // as many requests, and their replies, have room in the rings

void ask_for_watch(Client& client, uint64_t number) {
    hv::TextOf<60> request;
    request.put(std::string_view{"data\0", 5}).dec(number).put('\0');
    client.send(XsType::XS_WATCH, request.view());
}

// Whether the reply grants it; fails if it is neither that nor the error.
bool is_granted(Client& client, XsType type, std::string_view error) {
    const Client::Reply reply = client.receive();
    if (reply.type == type) {
        return true;
    }
    if (reply.type != XsType::XS_ERROR || reply.payload.substr(0, error.size()) != error) {
        guest::fail("another reply, of type", static_cast<uint64_t>(reply.type));
    }
    return false;
}

void want_watches(Client& client) {
    uint64_t granted = 0;
    for (uint64_t done = 0; done < watches_asked; done += at_a_time) {
        for (uint64_t i = 0; i < at_a_time; ++i) {
            ask_for_watch(client, done + i);
        }
        for (uint64_t i = 0; i < at_a_time; ++i) {
            granted += is_granted(client, XsType::XS_WATCH, "E2BIG") ? 1 : 0;
        }
    }
    if (granted != watches_allowed) {
        guest::fail("another number of watches", granted);
    }
}

uint32_t number_in(std::string_view text) {
    uint32_t number = 0;
    for (const char c : text.substr(0, text.size() - 1)) {  // without its NUL
        number = number * 10 + static_cast<uint32_t>(c - '0');
    }
    return number;
}

void leave_transactions_open(Client& client) {
    uint64_t granted = 0;
    for (uint64_t i = 0; i < transactions_asked; ++i) {
        client.send(XsType::XS_TRANSACTION_START, {"", 1});
        const Client::Reply reply = client.receive();
        if (reply.type != XsType::XS_TRANSACTION_START) {
            if (reply.payload != std::string_view{"ENOSPC", 7}) {
                guest::fail("a transaction is refused otherwise");
            }
            continue;
        }
        ++granted;
        client.send(XsType::XS_WRITE, {"data/open\0value", 15}, number_in(reply.payload));
        client.receive(XsType::XS_WRITE);
    }
    if (granted != transactions_allowed) {
        guest::fail("another number of transactions", granted);
    }
}

}  // namespace

void guest::run(const rt::StartInfo& info) {
    constexpr uint64_t second = 1'000'000'000;
    Client client{option(info, "patience", 20) * second};
    want_watches(client);
    leave_transactions_open(client);
}
