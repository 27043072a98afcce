// SPDX-License-Identifier: Apache-2.0
// Does what start order looks at, one after the other, each if its command line asks for it: waits
// (ms=), meets another domain (meets=ID), prints in two pieces (say=1), writes data/ready into
// Xenstore (write=1), tells the reason that a recovery domain finds (reason=1), waits and meets
// again (then_ms=, then_meets=ID), crashes (crash=1).
#include "domb/rt/hypercall.hpp"
#include "domb/rt/platform.hpp"
#include "domb/services/xenstore_client/client.hpp"
#include "domb/services/xenstore_client/own_ring.hpp"
#include "hv/abi/launch_op.hpp"
#include "hv/abi/xen_event_channel.hpp"
#include "hv/abi/xen_sched.hpp"
#include "tests/guest/harness/guest.hpp"
#include "tests/guest/harness/meeting.hpp"

#include <algorithm>
#include <optional>

namespace {

using xenstore_client::Client;
using xenstore_client::Message;
using Kind = Message::Kind;

constexpr uint64_t patience_ns = 60'000'000'000;

void yield() {
    rt::hypercall(rt::Hypercall::sched_op, hv::abi::SchedOp::SCHEDOP_yield);
}

void wait_ms(uint64_t ms) {
    constexpr uint64_t ns_per_ms = 1'000'000;
    const uint64_t end = guest::now_ns() + ms * ns_per_ms;
    while (guest::now_ns() < end) {
        yield();
    }
}

class Store {
  public:
    Store() : ring_{xenstore_client::find_own_ring()} {
        if (!ring_) {
            guest::error("there is no Xenstore");
        }
        client_.emplace(*ring_->page);
    }
    Client& client() { return *client_; }
    // Of the request under way.
    Message reply() {
        const uint64_t start = guest::now_ns();
        while (guest::now_ns() - start < patience_ns) {
            const auto message = client_->poll();
            if (client_->take_news()) {
                const hv::abi::EvtchnSend argument{ring_->port};
                rt::hypercall(rt::Hypercall::event_channel_op,
                              hv::abi::EventChannelOp::EVTCHNOP_send, &argument);
            }
            if (message) {
                return *message;
            }
            yield();
        }
        guest::fail("Xenstore does not answer");
    }

  private:
    std::optional<xenstore_client::OwnRing> ring_;
    std::optional<Client> client_{};
};

void say(std::string_view what, std::string_view text) {
    guest::print(what);
    guest::print(text);
    guest::print("\n");
}

void write_ready() {
    Store store;
    store.client().write("data/ready", "yes");
    if (store.reply().kind != Kind::Reply) {
        guest::fail("data/ready cannot be written");
    }
}

// The launcher does not wait for ever until Xenstore has it, so a recovery domain may be earlier.
std::string_view reason_of(Store& store) {
    const uint64_t start = guest::now_ns();
    while (true) {
        store.client().read("recovery/reason");
        const Message reply = store.reply();
        if (reply.kind != Kind::Reply) {
            guest::fail("recovery/reason cannot be read");
        }
        if (!reply.text.empty() || guest::now_ns() - start > patience_ns) {
            return reply.text;
        }
        yield();
    }
}

void tell_reason(const rt::StartInfo& info) {
    const auto module = info.module(info.module_count() - 1);
    // SAFETY: bytes as text.
    const auto* const text = reinterpret_cast<const char*>(module.data());
    say("module: ", {text, std::find(text, text + module.size(), '\0')});
    Store store;
    say("node: ", reason_of(store));
}

void meet_if_any(std::optional<rt::EventChannels>& events, uint64_t domid) {
    if (domid == 0) {
        return;
    }
    if (!events) {
        events.emplace(rt::EventChannels::start());
    }
    guest::meet(*events, hv::DomainId{static_cast<uint16_t>(domid)});
}

}  // namespace

void guest::run(const rt::StartInfo& info) {
    std::optional<rt::EventChannels> events;
    wait_ms(option(info, "ms", 0));
    meet_if_any(events, option(info, "meets", 0));
    if (option(info, "say", 0) != 0) {
        print("I am at your ");
        wait_ms(20);
        print("service now\n");
    }
    if (option(info, "write", 0) != 0) {
        write_ready();
    }
    if (option(info, "reason", 0) != 0) {
        tell_reason(info);
    }
    wait_ms(option(info, "then_ms", 0));
    meet_if_any(events, option(info, "then_meets", 0));
    if (option(info, "crash", 0) != 0) {
        rt::shutdown(rt::ShutdownReason::SHUTDOWN_crash);
    }
}
