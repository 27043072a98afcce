// SPDX-License-Identifier: Apache-2.0
#include "domb/services/xenstore/transaction.hpp"

namespace xenstore {

using namespace shadow;

Result<Block> Overlay::shadow_of(Block parent, std::string_view name) {
    const Block found = tree_.find_child(parent, name);
    if (found != no_block) {
        return found;
    }
    const Account& account = memory_.accounts[state_.account];
    if (state_.account != system_account &&
        state_.shadow_count >= account.quota.transaction_nodes) {
        return hv::Err{Error::NoSpace};
    }
    const Block made = TRY(tree_.make_node(state_.account, name));
    tree_.link(parent, made);
    ++state_.shadow_count;
    return made;
}

Result<Overlay::Place> Overlay::child(const Place& place, std::string_view name) {
    const Block own = TRY(shadow_of(place.shadow, name));
    const bool is_hidden = place.is_below_detached || has(place.shadow, detached);
    Place found{.shadow = own, .is_below_detached = is_hidden};
    if (place.base != no_block && !has(own, detached)) {
        found.base = tree_.find_child(place.base, name);
    }
    return found;
}

bool Overlay::exists(const Place& place) const {
    return has(place.shadow, detached) ? has(place.shadow, present) : place.base != no_block;
}

// What the transaction itself has put in the store's place does not depend on the store.
void Overlay::depend_on_node(const Place& place) {
    if (place.is_below_detached || has(place.shadow, detached)) {
        return;
    }
    Node& own = at(place.shadow);
    const uint64_t now = place.base == no_block ? 0 : at(place.base).generation;
    if (!has(place.shadow, saw_node)) {
        own.flags |= saw_node;
        own.generation = now;
    } else if (own.generation != now) {
        state_.is_doomed = true;
    }
}

void Overlay::depend_on_children(const Place& place) {
    if (place.base == no_block) {
        return;
    }
    Node& own = at(place.shadow);
    const uint64_t now = at(place.base).children_generation;
    if (!has(place.shadow, saw_children)) {
        own.flags |= saw_children;
        own.children_generation = now;
    } else if (own.children_generation != now) {
        state_.is_doomed = true;
    }
}

Result<Overlay::Nearest> Overlay::find(std::string_view path) {
    Place place{.shadow = state_.root, .base = store_.root()};
    for (Components names{path}; !names.at_end();) {
        const Place next = TRY(child(place, names.next()));
        if (!exists(next)) {
            depend_on_node(next);
            depend_on_node(place);
            return Nearest{place, false};
        }
        place = next;
    }
    depend_on_node(place);
    return Nearest{place, true};
}

Bytes Overlay::value(const Place& place) const {
    const bool is_own = has(place.shadow, detached | own_value);
    return at(is_own ? place.shadow : place.base).value;
}

PermissionList Overlay::permissions(const Place& place) const {
    const bool is_own = has(place.shadow, detached | own_permissions);
    return load_permissions(memory_, at(is_own ? place.shadow : place.base).permissions);
}

// Both parts only grow.
uint64_t Overlay::generation(const Place& place) const {
    uint64_t newest = 0;
    if (place.base != no_block) {
        newest = std::max(at(place.base).generation, at(place.base).children_generation);
    }
    return newest + state_.change_count;
}

Done Overlay::create(const Path& path, const Actor& actor, std::string_view value) {
    const Nearest above = TRY(find(path.text()));
    ASSERT(!above.is_it);
    ++state_.change_count;
    Components names{path};
    for (Block node = above.place.shadow; node != state_.root; node = at(node).parent) {
        names.next();
    }
    const PermissionList list = inherit(permissions(above.place), actor);
    Place place = TRY(child(above.place, names.next()));
    const Place top = place;
    const auto undo = [&](Error error) {
        remove(top);
        return hv::Err{error};
    };
    while (true) {
        const Done made = make(place, list);
        if (!made.ok()) {
            return undo(made.error());
        }
        if (names.at_end()) {
            break;
        }
        auto next = child(place, names.next());
        if (!next.ok()) {
            return undo(next.error());
        }
        place = next.take();
    }
    const Done stored = memory_.replace(at(place.shadow).value, state_.account, value);
    if (!stored.ok()) {
        return undo(stored.error());
    }
    return hv::Ok{};
}

Done Overlay::make(const Place& place, const PermissionList& list) {
    const AccountId payer = memory_.accounts.of(list[0].domain);
    const Account& account = memory_.accounts[payer];
    if (payer == state_.account && payer != system_account &&
        account.usage.nodes + state_.made_count >= account.quota.nodes) {
        return hv::Err{Error::NoSpace};
    }
    TRY(replace_permissions(memory_, at(place.shadow).permissions, state_.account, list));
    at(place.shadow).flags |= detached | present;
    ++state_.made_count;
    return hv::Ok{};
}

Done Overlay::set_value(const Place& place, std::string_view value) {
    TRY(memory_.replace(at(place.shadow).value, state_.account, value));
    at(place.shadow).flags |= own_value;
    ++state_.change_count;
    return hv::Ok{};
}

Done Overlay::set_permissions(const Place& place, const PermissionList& list) {
    TRY(replace_permissions(memory_, at(place.shadow).permissions, state_.account, list));
    at(place.shadow).flags |= own_permissions;
    ++state_.change_count;
    return hv::Ok{};
}

// Keeps the shadows, for what they say was seen.
void Overlay::remove(const Place& place) {
    for (Block node = place.shadow; node != no_block; node = tree_.next_below(place.shadow, node)) {
        clear(node);
    }
    at(place.shadow).flags |= detached;
    ++state_.change_count;
}

void Overlay::clear(Block node) {
    Node& own = at(node);
    state_.made_count -= has(node, present) ? 1U : 0U;
    own.flags &= static_cast<uint8_t>(~(present | own_value | own_permissions));
    memory_.drop(own.value, state_.account);
    memory_.drop(own.permissions, state_.account);
}

void Overlay::discard() {
    tree_.free(state_.root);
    state_.root = no_block;
}

}  // namespace xenstore
