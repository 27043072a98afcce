// SPDX-License-Identifier: Apache-2.0
// Client: what a small domain asks of Xenstore, without ever waiting for it. One request is under
// way at a time; its reply and watch events come out of poll(), which a service calls in its loop.
// The server is another domain and is not believed: what it may not send ends the connection, and
// the service goes on without. No transactions. Notifying the event channel is the caller's.
#pragma once

#include "domb/services/xenstore_client/client_ring.hpp"

#include <array>
#include <optional>
#include <string_view>

namespace xenstore_client {

struct Message {
    enum class Kind : uint8_t {
        Reply,  // of the request under way: `text` is its payload
        Error,  // the request under way is refused: `text` is the error's name, such as ENOENT
        Event,  // of a watch: `text` is the path that may have changed, and `token` the watch's
    };
    Kind kind{};
    std::string_view text{};
    std::string_view token{};
};

enum class Fault : uint8_t {
    None,
    Indices,  // the ring's indices cannot be
    Message,  // a message that is none, or that answers nothing
};

class Client {
  public:
    // The ring page of this domain, for the client's life.
    explicit Client(hv::abi::XenstoreDomainInterface& page) : ring_{page} {}
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    // Paths without a leading slash are below /local/domain/<own id>. False, and nothing is sent:
    // !is_ready(), a path or token with a NUL inside, or more than a message holds.
    bool read(std::string_view path);
    bool directory(std::string_view path);  // replies with names, see take_name()
    bool write(std::string_view path, std::string_view value);
    bool remove(std::string_view path);
    // Fires once at the start.
    bool watch(std::string_view path, std::string_view token);
    bool unwatch(std::string_view path, std::string_view token);

    // A request can be made.
    [[nodiscard]] bool is_ready() const { return !awaited_ && fault_ == Fault::None; }
    // What is left of a request goes out, and the next message comes in. The message is valid until
    // the next call. Call until there is none, then wait for the event channel.
    std::optional<Message> poll();
    // True if the ring has changed since the last call: the server wants to be notified.
    bool take_news();
    // Other than None: there is no Xenstore any more.
    [[nodiscard]] Fault fault() const { return fault_; }

  private:
    using XsType = hv::abi::XsType;
    static constexpr size_t max_message =
        sizeof(hv::abi::XsdSockmsg) + hv::abi::XENSTORE_PAYLOAD_MAX;
    struct Awaited {
        XsType type;
        uint32_t req_id;
    };

    bool ask_about(XsType type, std::string_view path);
    bool ask_watch(XsType type, std::string_view path, std::string_view token);
    bool begin(XsType type, size_t payload);
    void append(std::string_view bytes);
    void append_string(std::string_view text);
    void flush();
    bool receive();
    std::optional<Message> judge();
    std::optional<Message> take_event(std::string_view payload);
    std::optional<Message> fail(Fault fault);

    ClientRing ring_;
    Fault fault_ = Fault::None;
    std::optional<Awaited> awaited_{};
    uint32_t last_req_id_ = 0;
    bool is_news_ = false;
    size_t out_size_ = 0;
    size_t out_sent_ = 0;
    size_t in_size_ = 0;
    std::array<char, max_message> out_{};
    std::array<char, max_message> in_{};
};

// The first name of what a directory request replied with, which it is taken off; empty at the end.
std::string_view take_name(std::string_view& rest);

}  // namespace xenstore_client
