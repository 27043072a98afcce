// SPDX-License-Identifier: Apache-2.0
#include "domb/services/console/channels.hpp"

#include "hv/abi/uart_frame.hpp"
#include "hv/base/text.hpp"

#include <utility>

namespace console {

using xenstore_client::Client;
using xenstore_client::Message;

namespace {

// Digits only, at most `max`; nothing for anything else.
std::optional<uint32_t> parse(std::string_view text, uint32_t max) {
    uint32_t value = 0;
    for (const char c : text) {
        value = value * 10 + static_cast<uint32_t>(c - '0');
        if (c < '0' || c > '9' || value > max) {
            return std::nullopt;
        }
    }
    return text.empty() ? std::nullopt : std::optional{value};
}

}  // namespace

bool Channels::take_messages(Client& client, Outside& outside) {
    constexpr size_t most = 32;
    for (size_t i = 0; i < most; ++i) {
        const auto message = client.poll();
        if (!message) {
            return true;
        }
        take(*message, outside);
    }
    return false;
}

void Channels::take(const Message& message, Outside& outside) {
    if (message.kind == Message::Kind::Event) {
        take_event(message.token);
    } else if (!std::exchange(has_asked_, false)) {
        return;
    } else if (search_ != Search::Over) {
        take_search(message);
    } else if (asker_ < list_.size()) {
        list_[asker_].take(message, outside);
    }
}

void Channels::take_event(std::string_view token) {
    const auto index = parse(token, capacity);
    if (index && *index < list_.size()) {
        list_[*index].note_change();
    }
}

bool Channels::ask(Client& client) {
    if (!client.is_ready()) {
        return false;
    }
    has_asked_ = search_ == Search::Over ? ask_channels(client) : ask_search(client);
    return has_asked_;
}

bool Channels::ask_channels(Client& client) {
    for (size_t i = 0; i < list_.size(); ++i) {
        const size_t index = (turn_ + i) % list_.size();
        if (list_[index].ask(client)) {
            asker_ = index;
            turn_ = index + 1;
            return true;
        }
    }
    return false;
}

bool Channels::ask_search(Client& client) {
    if (search_ == Search::Domains) {
        return client.directory("backend/console");
    }
    hv::TextOf<40> path;
    return client.directory(path.put("backend/console/").dec(domains_.back().value()).view());
}

// What there is was compiled with the launch and does not change.
void Channels::take_search(const Message& reply) {
    std::string_view rest = reply.kind == Message::Kind::Reply ? reply.text : std::string_view{};
    while (!rest.empty()) {
        const std::string_view name = xenstore_client::take_name(rest);
        if (search_ == Search::Domains) {
            if (const auto domain = parse(name, UINT16_MAX)) {
                left_out_ +=
                    domains_.push(hv::DomainId{static_cast<uint16_t>(*domain)}).ok() ? 0 : 1;
            }
        } else if (const auto number = parse(name, hv::abi::uart_frame_max_channel);
                   number && *number != 0) {
            const Channel channel{domains_.back(), static_cast<uint8_t>(*number), list_.size()};
            left_out_ += list_.push(channel).ok() ? 0 : 1;
        }
    }
    if (search_ == Search::Numbers) {
        domains_.pop();
    }
    search_ = domains_.empty() ? Search::Over : Search::Numbers;
}

}  // namespace console
