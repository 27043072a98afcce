// SPDX-License-Identifier: Apache-2.0
#include "domb/services/xenstore_client/client.hpp"

#include "hv/base/assert.hpp"

#include <algorithm>
#include <cstring>

namespace xenstore_client {

using hv::abi::XsdSockmsg;

namespace {

constexpr std::string_view nul{"\0", 1};

// std::string_view's own need functions of a library that freestanding code does not have.
size_t position_of_nul(std::string_view text) {
    return static_cast<size_t>(std::find(text.begin(), text.end(), '\0') - text.begin());
}
std::string_view first_of(std::string_view text, size_t count) {
    return {text.data(), count};
}
std::string_view behind(std::string_view text, size_t position) {
    return {text.data() + position + 1, text.size() - position - 1};
}
bool has_nul(std::string_view text) {
    return position_of_nul(text) != text.size();
}

}  // namespace

bool Client::read(std::string_view path) {
    return ask_about(XsType::XS_READ, path);
}
bool Client::directory(std::string_view path) {
    return ask_about(XsType::XS_DIRECTORY, path);
}
bool Client::remove(std::string_view path) {
    return ask_about(XsType::XS_RM, path);
}
bool Client::watch(std::string_view path, std::string_view token) {
    return ask_watch(XsType::XS_WATCH, path, token);
}
bool Client::unwatch(std::string_view path, std::string_view token) {
    return ask_watch(XsType::XS_UNWATCH, path, token);
}

bool Client::write(std::string_view path, std::string_view value) {
    if (has_nul(path) || !begin(XsType::XS_WRITE, path.size() + 1 + value.size())) {
        return false;
    }
    append_string(path);
    append(value);
    flush();
    return true;
}

bool Client::ask_about(XsType type, std::string_view path) {
    if (has_nul(path) || !begin(type, path.size() + 1)) {
        return false;
    }
    append_string(path);
    flush();
    return true;
}

bool Client::ask_watch(XsType type, std::string_view path, std::string_view token) {
    if (has_nul(path) || has_nul(token) || !begin(type, path.size() + 1 + token.size() + 1)) {
        return false;
    }
    append_string(path);
    append_string(token);
    flush();
    return true;
}

bool Client::begin(XsType type, size_t payload) {
    if (!is_ready() || payload > hv::abi::XENSTORE_PAYLOAD_MAX) {
        return false;
    }
    awaited_ = {.type = type, .req_id = ++last_req_id_};
    const XsdSockmsg header{.type = static_cast<uint32_t>(type),
                            .req_id = last_req_id_,
                            .tx_id = 0,
                            .len = static_cast<uint32_t>(payload)};
    memcpy(out_.data(), &header, sizeof(header));
    out_size_ = sizeof(header);
    out_sent_ = 0;
    return true;
}

void Client::append(std::string_view bytes) {
    ASSERT(bytes.size() <= out_.size() - out_size_);
    std::copy(bytes.begin(), bytes.end(), out_.begin() + static_cast<ptrdiff_t>(out_size_));
    out_size_ += bytes.size();
}

void Client::append_string(std::string_view text) {
    append(text);
    append(nul);
}

void Client::flush() {
    if (out_sent_ == out_size_ || fault_ != Fault::None) {
        return;
    }
    const auto written =
        ring_.write(std::span<const char>{out_}.subspan(out_sent_, out_size_ - out_sent_));
    if (!written.ok()) {
        fail(Fault::Indices);
        return;
    }
    out_sent_ += written.value();
    is_news_ = is_news_ || written.value() != 0;
}

// True once a message is whole.
bool Client::receive() {
    while (true) {
        XsdSockmsg header{};
        size_t wanted = sizeof(header);
        if (in_size_ >= sizeof(header)) {
            memcpy(&header, in_.data(), sizeof(header));
            if (header.len > hv::abi::XENSTORE_PAYLOAD_MAX) {
                fail(Fault::Message);
                return false;
            }
            wanted += header.len;
            if (in_size_ == wanted) {
                return true;
            }
        }
        const auto taken = ring_.read(std::span{in_}.subspan(in_size_, wanted - in_size_));
        if (!taken.ok()) {
            fail(Fault::Indices);
            return false;
        }
        if (taken.value() == 0) {
            return false;
        }
        is_news_ = true;
        in_size_ += taken.value();
    }
}

std::optional<Message> Client::poll() {
    flush();
    if (fault_ != Fault::None || !receive()) {
        return std::nullopt;
    }
    in_size_ = 0;
    return judge();
}

std::optional<Message> Client::judge() {
    XsdSockmsg header{};
    memcpy(&header, in_.data(), sizeof(header));
    const std::string_view payload{in_.data() + sizeof(header), header.len};
    const auto type = static_cast<XsType>(header.type);
    if (type == XsType::XS_WATCH_EVENT) {
        return take_event(payload);
    }
    const bool is_error = type == XsType::XS_ERROR;
    // A server that answers before it has all of the question does not answer it.
    if (!awaited_ || header.req_id != awaited_->req_id || header.tx_id != 0 ||
        out_sent_ != out_size_ || (type != awaited_->type && !is_error)) {
        return fail(Fault::Message);
    }
    awaited_.reset();
    if (is_error) {
        return Message{.kind = Message::Kind::Error,
                       .text = first_of(payload, position_of_nul(payload))};
    }
    return Message{.kind = Message::Kind::Reply, .text = payload};
}

std::optional<Message> Client::take_event(std::string_view payload) {
    const size_t path = position_of_nul(payload);
    if (path == payload.size()) {
        return fail(Fault::Message);
    }
    const std::string_view rest = behind(payload, path);
    const size_t token = position_of_nul(rest);
    if (token + 1 != rest.size()) {
        return fail(Fault::Message);
    }
    return Message{.kind = Message::Kind::Event,
                   .text = first_of(payload, path),
                   .token = first_of(rest, token)};
}

std::optional<Message> Client::fail(Fault fault) {
    fault_ = fault;
    awaited_.reset();
    return std::nullopt;
}

bool Client::take_news() {
    return std::exchange(is_news_, false);
}

std::string_view take_name(std::string_view& rest) {
    const std::string_view name = first_of(rest, position_of_nul(rest));
    rest.remove_prefix(std::min(name.size() + 1, rest.size()));
    return name;
}

}  // namespace xenstore_client
