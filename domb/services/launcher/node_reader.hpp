// SPDX-License-Identifier: Apache-2.0
// NodeReader: keeps ReadyNodes up to date through a Xenstore client: a watch on each node that
// matters at the moment, and a read when it may have changed. Also writes the one node that is the
// launcher's to write. Never waits: step() is called when the ring's event channel says so.
#pragma once

#include "domb/services/launcher/ready_nodes.hpp"
#include "domb/services/xenstore_client/client.hpp"
#include "hv/base/static_string.hpp"

#include <array>
#include <cstdint>
#include <optional>

namespace launcher {

class NodeReader {
  public:
    // A node that may not be watched, because there are too many, is read again so often.
    static constexpr uint64_t read_again_ns = 250'000'000;

    NodeReader(ReadyNodes& nodes, xenstore_client::Client& client)
        : nodes_{nodes}, client_{client} {}

    // Whether the node's value matters from now on.
    void want(size_t node, bool is_wanted);
    // To be written as soon as the client can. One at a time: a later one replaces it.
    void write(std::string_view path, std::string_view value);
    // The server has taken it, or refused it.
    [[nodiscard]] bool has_written() const { return !text_to_write_ && doing_.what != What::Write; }

    // Goes on with what there is to do. False if it stopped before all messages were read, so that
    // one who sends without an end keeps the caller from nothing: call it again before waiting.
    bool step(uint64_t now_ns);
    // When step() is due even if nothing is heard; 0: never.
    [[nodiscard]] uint64_t deadline_ns() const { return read_again_at_ns_; }

  private:
    enum class What : uint8_t { Nothing, Watch, Unwatch, Read, Write };
    struct Doing {
        What what = What::Nothing;
        size_t node = 0;
    };
    struct Status {
        bool is_wanted = false;
        bool is_watched = false;
        bool is_refused = false;  // the watch was
        bool is_stale = false;
    };

    void take(const xenstore_client::Message& message);
    void take_reply(const xenstore_client::Message& message);
    void read_again(uint64_t now_ns);
    void ask_next();
    [[nodiscard]] bool ask(What what, size_t node);

    ReadyNodes& nodes_;
    xenstore_client::Client& client_;
    std::array<Status, ReadyNodes::max_nodes> status_{};
    Doing doing_{};
    size_t turn_ = 0;  // who is asked about first: one that always changes keeps out no other
    uint64_t read_again_at_ns_ = 0;
    std::optional<hv::StaticString<512>> text_to_write_{};
    hv::StaticString<128> path_to_write_{};
};

}  // namespace launcher
