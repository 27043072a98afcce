// SPDX-License-Identifier: Apache-2.0
#include "domb/services/console/channel.hpp"

#include "hv/base/text.hpp"

namespace console {

using xenstore_client::Client;
using xenstore_client::Message;

namespace {

// Digits only; nothing for anything else.
std::optional<uint32_t> number_in(const Message& reply) {
    if (reply.kind != Message::Kind::Reply || reply.text.empty()) {
        return std::nullopt;
    }
    uint64_t value = 0;
    for (const char c : reply.text) {
        value = value * 10 + static_cast<uint64_t>(c - '0');
        if (c < '0' || c > '9' || value > UINT32_MAX) {
            return std::nullopt;
        }
    }
    return static_cast<uint32_t>(value);
}

struct FrontPath : hv::TextOf<80> {
    FrontPath(const Line& line, std::string_view key) {
        put("/local/domain/").dec(line.domain().value()).put("/device/console/");
        dec(line.channel()).put('/').put(key);
    }
};

// Below our own home.
struct BackPath : hv::TextOf<80> {
    BackPath(const Line& line, std::string_view key) {
        put("backend/console/").dec(line.domain().value()).put('/');
        dec(line.channel()).put('/').put(key);
    }
};

}  // namespace

bool Channel::ask(Client& client) {
    hv::TextOf<20> text;
    switch (step_) {
        case Step::Watch:
            return client.watch(FrontPath{line_, "state"}.view(), text.dec(index_).view());
        case Step::Idle:
            if (wanted_ != state_) {
                step_ = Step::WriteState;
                text.dec(static_cast<uint32_t>(wanted_));
                return client.write(BackPath{line_, "state"}.view(), text.view());
            }
            if (is_due_) {
                is_due_ = false;
                step_ = Step::ReadState;
                return client.read(FrontPath{line_, "state"}.view());
            }
            return false;
        case Step::ReadRing:
            return client.read(FrontPath{line_, "ring-ref"}.view());
        case Step::ReadPort:
            return client.read(FrontPath{line_, "port"}.view());
        case Step::WriteState:
        case Step::ReadState:
        case Step::GivenUp:
            break;
    }
    return false;
}

void Channel::take(const Message& reply, Outside& outside) {
    switch (step_) {
        case Step::Watch:
            step_ = reply.kind == Message::Kind::Reply ? Step::Idle : Step::GivenUp;
            break;
        case Step::WriteState:
            // If it cannot be written, nobody is there to read it.
            state_ = wanted_;
            step_ = Step::Idle;
            break;
        case Step::ReadState:
            step_ = Step::Idle;
            judge(number_in(reply), outside);
            break;
        case Step::ReadRing:
            ring_ = number_in(reply);
            step_ = Step::ReadPort;
            break;
        case Step::ReadPort:
            step_ = Step::Idle;
            connect(number_in(reply), outside);
            break;
        case Step::Idle:
        case Step::GivenUp:
            break;
    }
}

// What follows from the front end's state. One that has none has gone with its domain.
void Channel::judge(std::optional<uint32_t> front_state, Outside& outside) {
    switch (static_cast<State>(front_state.value_or(0))) {
        case State::XenbusStateInitialised:
        case State::XenbusStateConnected:
            if (!link_ && state_ == State::XenbusStateInitWait) {
                step_ = Step::ReadRing;
            }
            return;
        case State::XenbusStateInitialising:
        case State::XenbusStateInitWait:
            disconnect(outside);
            wanted_ = State::XenbusStateInitWait;
            return;
        case State::XenbusStateClosing:
            disconnect(outside);
            if (state_ != State::XenbusStateClosed) {
                wanted_ = State::XenbusStateClosing;
            }
            return;
        case State::XenbusStateUnknown:
        case State::XenbusStateClosed:
            disconnect(outside);
            wanted_ = State::XenbusStateClosed;
            return;
    }
}

void Channel::connect(std::optional<uint32_t> port, Outside& outside) {
    if (ring_ && port) {
        link_ = outside.connect(line_.domain(), hv::GrantRef{*ring_}, *port, index_);
    }
    if (link_) {
        line_.attach(*link_->page, link_->port);
    }
    wanted_ = link_ ? State::XenbusStateConnected : State::XenbusStateClosed;
}

void Channel::disconnect(Outside& outside) {
    line_.detach();
    if (link_) {
        outside.disconnect(*link_);
        link_.reset();
    }
}

}  // namespace console
