// SPDX-License-Identifier: Apache-2.0
// Watches: which client wants to hear of which path, and the events it has not read yet.
//
// Nobody waits for a client that does not read. An event that waits already is not queued again.
// When a client's queue or memory is full, the event is lost, but not the news: the watch is
// marked, and once the queue is empty one event comes with the watch's own path. Until then nothing
// else is queued for it: however much one transaction changes, a client is worth so many events.
#pragma once

#include "domb/services/xenstore/memory.hpp"
#include "domb/services/xenstore/path.hpp"
#include "domb/services/xenstore/session.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace xenstore {

// Longer ones would not fit an event beside a path.
inline constexpr size_t max_token_size =
    hv::abi::XENSTORE_PAYLOAD_MAX - hv::abi::XENSTORE_ABS_PATH_MAX - 2;

struct Watch {
    uint32_t hash = 0;  // of the path
    Block next_of_hash{};
    Block next{};         // of the client's watches
    Block first_event{};  // the oldest one that waits for this watch
    Block last_event{};
    uint16_t session = 0;      // index
    uint16_t depth = 0;        // how far below the path it looks
    uint16_t prefix_size = 0;  // Path::prefix_size()
    bool overflowed = false;
    Bytes path{};
    Bytes token{};
    static constexpr uint16_t any_depth = 0xffff;
};

struct Event {
    uint32_t hash = 0;  // of the path
    Block next{};       // of the client's events
    Block next_of_watch{};
    Block watch{};
    Bytes path{};
};

// Who may hear of a change: whoever may read by one of these lists. Null ones do not count.
struct Change {
    const PermissionList* before = nullptr;
    const PermissionList* after = nullptr;
    const PermissionList* parent = nullptr;
};

class Watches {
  public:
    // `buckets`: as many as a power of two.
    Watches(Memory& memory, std::span<Block> buckets, std::span<Session> sessions)
        : memory_{memory}, buckets_{buckets}, sessions_{sessions} {}

    // The watch fires at once.
    Done add(size_t session, const Path& path, std::string_view token, uint16_t depth);
    Done remove(size_t session, const Path& path, std::string_view token);
    void remove_all(size_t session);

    // The path has changed: fires the watches of it and of what is above it.
    void fire(std::string_view path, const Change& change);
    // The path has gone with something above it: fires the watches of exactly this path.
    void fire_exactly(std::string_view path, const Change& change);
    // "@introduceDomain" or "@releaseDomain".
    void fire_special(std::string_view name, hv::DomainId domain, const PermissionList& readers);

    [[nodiscard]] bool has_event(size_t session) const;
    // The next event as a payload; it waits no longer.
    std::string_view take_event(size_t session, std::span<char> buffer);

  private:
    [[nodiscard]] Watch& at(Block watch) const { return memory_.pool.at<Watch>(watch); }
    [[nodiscard]] Event& event_at(Block event) const { return memory_.pool.at<Event>(event); }
    [[nodiscard]] Session& session_of(const Watch& watch) const { return sessions_[watch.session]; }
    [[nodiscard]] Block& bucket(uint32_t hash) const {
        return buckets_[hash & (buckets_.size() - 1)];
    }

    struct Fired {
        std::string_view watched;  // the path whose watches fire
        uint32_t hash;             // of it
        std::string_view path;     // goes into the event
        uint32_t path_hash;
        size_t depth;  // of `path` below `watched`
    };
    void fire_watches_of(const Fired& fired, const Change& change);
    void queue(Block watch, std::string_view path, uint32_t hash);
    Result<Block> make_event(Session& session, std::string_view path);
    [[nodiscard]] bool is_queued(const Watch& watch, uint32_t hash, std::string_view path) const;

    [[nodiscard]] Block find(size_t session, const Path& path, std::string_view token) const;
    Result<Block> make_watch(Session& owner, const Path& path, std::string_view token);
    void forget(Block watch);
    void drop_events(Block watch);
    void free_event(Session& owner, Block event);
    void mark(Watch& watch, bool overflowed);

    Memory& memory_;
    std::span<Block> buckets_;
    std::span<Session> sessions_;
};

}  // namespace xenstore
