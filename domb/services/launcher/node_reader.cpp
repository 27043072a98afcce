// SPDX-License-Identifier: Apache-2.0
#include "domb/services/launcher/node_reader.hpp"

namespace launcher {
namespace {

using xenstore_client::Message;

using Path = hv::TextOf<256>;  // more than any path of a plan
using Token = hv::TextOf<20>;

std::optional<size_t> to_node(std::string_view token, size_t count) {
    size_t node = 0;
    for (const char c : token) {
        if (c < '0' || c > '9' || node >= count) {
            return std::nullopt;
        }
        node = node * 10 + static_cast<size_t>(c - '0');
    }
    return token.empty() || node >= count ? std::nullopt : std::optional{node};
}

}  // namespace

void NodeReader::want(size_t node, bool is_wanted) {
    Status& status = status_[node];
    // The watch fires once at its start; without one it is read once more.
    status.is_stale = is_wanted && (status.is_stale || (!status.is_wanted && status.is_watched));
    status.is_wanted = is_wanted;
}

void NodeReader::write(std::string_view path, std::string_view value) {
    path_to_write_ = path;
    text_to_write_ = hv::StaticString<512>{value};
}

bool NodeReader::step(uint64_t now_ns) {
    constexpr size_t most_messages = 32;
    read_again(now_ns);
    ask_next();
    for (size_t i = 0; i < most_messages; ++i) {
        const auto message = client_.poll();
        if (!message) {
            return true;
        }
        take(*message);
        ask_next();
    }
    return false;
}

void NodeReader::take(const Message& message) {
    switch (message.kind) {
        case Message::Kind::Event:
            if (const auto node = to_node(message.token, nodes_.size())) {
                status_[*node].is_stale = status_[*node].is_wanted;
            }
            return;
        case Message::Kind::Reply:
        case Message::Kind::Error:
            take_reply(message);
            return;
    }
}

void NodeReader::take_reply(const Message& message) {
    const bool is_done = message.kind == Message::Kind::Reply;
    Status& status = status_[doing_.node];
    switch (doing_.what) {
        case What::Watch:
            status.is_watched = is_done;
            status.is_refused = !is_done;
            status.is_stale = status.is_stale || !is_done;
            break;
        case What::Unwatch:
            status.is_watched = false;
            break;
        case What::Read:
            nodes_.set(doing_.node, is_done ? std::optional{message.text} : std::nullopt);
            break;
        case What::Write:
        case What::Nothing:
            break;
    }
    doing_ = {};
}

void NodeReader::read_again(uint64_t now_ns) {
    bool is_due = now_ns >= read_again_at_ns_;
    bool is_any = false;
    for (size_t node = 0; node < nodes_.size(); ++node) {
        Status& status = status_[node];
        if (status.is_wanted && status.is_refused) {
            is_any = true;
            status.is_stale = status.is_stale || is_due;
        }
    }
    if (!is_any) {
        read_again_at_ns_ = 0;
    } else if (is_due) {
        read_again_at_ns_ = now_ns + read_again_ns;
    }
}

void NodeReader::ask_next() {
    if (!client_.is_ready()) {
        return;
    }
    if (text_to_write_) {
        if (client_.write(path_to_write_.view(), text_to_write_->view())) {
            doing_ = {.what = What::Write};
        }
        text_to_write_.reset();
        return;
    }
    for (size_t i = 0; i < nodes_.size(); ++i) {
        const size_t node = (turn_ + i) % nodes_.size();
        const Status& status = status_[node];
        const bool is_new = status.is_wanted && !status.is_watched && !status.is_refused;
        if ((status.is_stale && ask(What::Read, node)) || (is_new && ask(What::Watch, node)) ||
            (!status.is_wanted && status.is_watched && ask(What::Unwatch, node))) {
            turn_ = node + 1;
            return;
        }
    }
}

bool NodeReader::ask(What what, size_t node) {
    Path path;
    nodes_.put_path(path, node);
    Token token;
    token.dec(node);
    bool is_asked = false;
    if (what == What::Read) {
        // What changes from now on makes it stale again.
        status_[node].is_stale = false;
        is_asked = client_.read(path.view());
    } else if (what == What::Watch) {
        is_asked = client_.watch(path.view(), token.view());
    } else {
        is_asked = client_.unwatch(path.view(), token.view());
    }
    if (is_asked) {
        doing_ = {.what = what, .node = node};
    }
    return is_asked;
}

}  // namespace launcher
