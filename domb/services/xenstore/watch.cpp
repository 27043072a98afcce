// SPDX-License-Identifier: Apache-2.0
#include "domb/services/xenstore/watch.hpp"

#include <algorithm>

namespace xenstore {

Done Watches::add(size_t session, const Path& path, std::string_view token, uint16_t depth) {
    Session& owner = sessions_[session];
    const Account& account = memory_.accounts[owner.account];
    if (token.size() > max_token_size) {
        return hv::Err{Error::Invalid};
    }
    if (find(session, path, token) != no_block) {
        return hv::Err{Error::Exists};
    }
    if (owner.exceeds(account.usage.watches + 1, account.quota.watches)) {
        return hv::Err{Error::TooBig};
    }
    const Block block = TRY(make_watch(owner, path, token));
    Watch& watch = at(block);
    watch.session = static_cast<uint16_t>(session);
    watch.depth = depth;
    watch.next_of_hash = bucket(watch.hash);
    bucket(watch.hash) = block;
    watch.next = owner.first_watch;
    owner.first_watch = block;
    memory_.accounts[owner.account].usage.watches += 1;
    queue(block, path.text(), watch.hash);
    return hv::Ok{};
}

Result<Block> Watches::make_watch(Session& owner, const Path& path, std::string_view token) {
    const Block block = TRY(memory_.make<Watch>(owner.account));
    Watch& watch = at(block);
    auto stored_path = memory_.store(owner.account, path.text());
    if (stored_path.ok()) {
        watch.path = stored_path.take();
        auto stored_token = memory_.store(owner.account, token);
        if (stored_token.ok()) {
            watch.token = stored_token.take();
            watch.hash = hash_of(memory_.hash_key, path.text());
            watch.prefix_size = static_cast<uint16_t>(path.prefix_size());
            return block;
        }
        memory_.drop(watch.path, owner.account);
    }
    memory_.release(block, owner.account);
    return hv::Err{Error::NoMemory};
}

Done Watches::remove(size_t session, const Path& path, std::string_view token) {
    const Block block = find(session, path, token);
    if (block == no_block) {
        return hv::Err{Error::NotFound};
    }
    forget(block);
    return hv::Ok{};
}

void Watches::remove_all(size_t session) {
    while (sessions_[session].first_watch != no_block) {
        forget(sessions_[session].first_watch);
    }
}

Block Watches::find(size_t session, const Path& path, std::string_view token) const {
    const uint32_t hash = hash_of(memory_.hash_key, path.text());
    Block block = bucket(hash);
    while (block != no_block) {
        const Watch& watch = at(block);
        if (watch.hash == hash && watch.session == session &&
            watch.prefix_size == path.prefix_size() && memory_.equal(watch.path, path.text()) &&
            memory_.equal(watch.token, token)) {
            break;
        }
        block = watch.next_of_hash;
    }
    return block;
}

void Watches::forget(Block block) {
    Watch& watch = at(block);
    Session& owner = session_of(watch);
    drop_events(block);
    mark(watch, false);
    Block* link = &bucket(watch.hash);
    while (*link != block) {
        link = &at(*link).next_of_hash;
    }
    *link = watch.next_of_hash;
    link = &owner.first_watch;
    while (*link != block) {
        link = &at(*link).next;
    }
    *link = watch.next;
    memory_.drop(watch.path, owner.account);
    memory_.drop(watch.token, owner.account);
    memory_.release(block, owner.account);
    memory_.accounts[owner.account].usage.watches -= 1;
}

void Watches::fire(std::string_view path, const Change& change) {
    const HashKey& key = memory_.hash_key;
    const uint32_t path_hash = hash_of(key, path);
    if (path.size() > 1) {
        auto depth = static_cast<size_t>(std::count(path.begin(), path.end(), '/'));
        fire_watches_of({path.substr(0, 1), hash_of(key, "/"), path, path_hash, depth}, change);
        Hash hash{key};
        size_t start = 0;
        for (size_t end = 1; end < path.size(); ++end) {
            if (path[end] == '/') {
                hash.add(after(path.substr(0, end), start));
                start = end;
                --depth;
                fire_watches_of({path.substr(0, end), hash.value(), path, path_hash, depth},
                                change);
            }
        }
    }
    fire_watches_of({path, path_hash, path, path_hash, 0}, change);
}

void Watches::fire_exactly(std::string_view path, const Change& change) {
    const uint32_t hash = hash_of(memory_.hash_key, path);
    fire_watches_of({path, hash, path, hash, 0}, change);
}

void Watches::fire_watches_of(const Fired& fired, const Change& change) {
    const auto may_hear = [&](const Actor& actor) {
        return std::ranges::any_of(
            std::initializer_list<const PermissionList*>{change.before, change.after,
                                                         change.parent},
            [&](const PermissionList* list) { return list != nullptr && may_read(actor, *list); });
    };
    for (Block block = bucket(fired.hash); block != no_block; block = at(block).next_of_hash) {
        const Watch& watch = at(block);
        if (watch.hash == fired.hash && !watch.overflowed && fired.depth <= watch.depth &&
            may_hear(session_of(watch).actor) && memory_.equal(watch.path, fired.watched)) {
            queue(block, fired.path, fired.path_hash);
        }
    }
}

void Watches::fire_special(std::string_view name, hv::DomainId domain,
                           const PermissionList& readers) {
    hv::TextOf<32> with_domain;
    with_domain.put(name).put('/').dec(domain.value());
    const uint32_t hash_with_domain = hash_of(memory_.hash_key, with_domain.view());
    for (const std::string_view watched : {name, with_domain.view()}) {
        const uint32_t hash = hash_of(memory_.hash_key, watched);
        for (Block block = bucket(hash); block != no_block; block = at(block).next_of_hash) {
            const Watch& watch = at(block);
            if (watch.hash == hash && !watch.overflowed && memory_.equal(watch.path, watched) &&
                may_read(session_of(watch).actor, readers)) {
                watch.depth == 1 ? queue(block, with_domain.view(), hash_with_domain)
                                 : queue(block, watched, hash);
            }
        }
    }
}

}  // namespace xenstore
