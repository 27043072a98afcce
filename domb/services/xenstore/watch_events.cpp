// SPDX-License-Identifier: Apache-2.0
// The half of Watches that keeps events until their client takes them.
#include "domb/services/xenstore/watch.hpp"

namespace xenstore {

void Watches::queue(Block block, std::string_view path, uint32_t hash) {
    Watch& watch = at(block);
    Session& owner = session_of(watch);
    if (is_queued(watch, hash, path)) {
        return;
    }
    const auto made = make_event(owner, path);
    if (!made.ok()) {
        mark(watch, true);
        return;
    }
    const Block event = made.value();
    event_at(event).hash = hash;
    event_at(event).watch = block;
    (owner.last_event == no_block ? owner.first_event : event_at(owner.last_event).next) = event;
    owner.last_event = event;
    (watch.last_event == no_block ? watch.first_event : event_at(watch.last_event).next_of_watch) =
        event;
    watch.last_event = event;
}

bool Watches::is_queued(const Watch& watch, uint32_t hash, std::string_view path) const {
    Block event = watch.first_event;
    while (event != no_block &&
           !(event_at(event).hash == hash && memory_.equal(event_at(event).path, path))) {
        event = event_at(event).next_of_watch;
    }
    return event != no_block;
}

Result<Block> Watches::make_event(Session& owner, std::string_view path) {
    Account& account = memory_.accounts[owner.account];
    if (owner.exceeds(account.usage.events + 1, account.quota.events)) {
        return hv::Err{Error::NoSpace};
    }
    const Block event = TRY(memory_.make<Event>(owner.account));
    auto stored = memory_.store(owner.account, path);
    if (!stored.ok()) {
        memory_.release(event, owner.account);
        return hv::Err{stored.error()};
    }
    event_at(event).path = stored.take();
    account.usage.events += 1;
    return event;
}

void Watches::free_event(Session& owner, Block event) {
    memory_.drop(event_at(event).path, owner.account);
    memory_.release(event, owner.account);
    memory_.accounts[owner.account].usage.events -= 1;
}

void Watches::drop_events(Block block) {
    Watch& watch = at(block);
    Session& owner = session_of(watch);
    if (watch.first_event == no_block) {
        return;
    }
    Block kept = no_block;
    for (Block event = owner.first_event; event != no_block;) {
        const Block next = event_at(event).next;
        if (event_at(event).watch == block) {
            (kept == no_block ? owner.first_event : event_at(kept).next) = next;
            free_event(owner, event);
        } else {
            kept = event;
        }
        event = next;
    }
    owner.last_event = kept;
    watch.first_event = watch.last_event = no_block;
}

void Watches::mark(Watch& watch, bool overflowed) {
    Session& owner = session_of(watch);
    if (overflowed != watch.overflowed) {
        watch.overflowed = overflowed;
        owner.overflowed_watches += overflowed ? 1U : ~0U;
    }
}

bool Watches::has_event(size_t session) const {
    const Session& owner = sessions_[session];
    return owner.first_event != no_block || owner.overflowed_watches != 0;
}

std::string_view Watches::take_event(size_t session, std::span<char> buffer) {
    Session& owner = sessions_[session];
    ASSERT(has_event(session));
    PathBuffer path;
    size_t path_size = 0;
    const Block event = owner.first_event;
    Block block = no_block;
    if (event != no_block) {
        block = event_at(event).watch;
        path_size = memory_.copy(event_at(event).path, path);
        owner.first_event = event_at(event).next;
        owner.last_event = owner.first_event == no_block ? no_block : owner.last_event;
        // It is the watch's oldest, too: both lists are in the order of queueing.
        at(block).first_event = event_at(event).next_of_watch;
        if (at(block).first_event == no_block) {
            at(block).last_event = no_block;
        }
        free_event(owner, event);
    } else {
        block = owner.first_watch;
        while (!at(block).overflowed) {
            block = at(block).next;
        }
        mark(at(block), false);
        path_size = memory_.copy(at(block).path, path);
    }
    hv::Text text{buffer};
    text.put(after({path.data(), path_size}, at(block).prefix_size)).put('\0');
    memory_.for_each_piece(at(block).token, [&](std::string_view piece) { text.put(piece); });
    text.put('\0');
    ASSERT(!text.truncated());
    return text.view();
}

}  // namespace xenstore
