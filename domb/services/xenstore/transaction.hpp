// SPDX-License-Identifier: Apache-2.0
// Overlay: what one transaction has looked at and changed. Nothing of it is visible to others until
// commit() makes all of it so at once, or none of it.
//
// A transaction has a tree of its own, with nodes ("shadows") only where it has been. A shadow says
// what was seen in the store (when that node, or its list of children, had changed last: if it has
// changed again, there is no commit), and what the transaction put in its place. Everything is
// charged to the client until then.
#pragma once

#include "domb/services/xenstore/permissions.hpp"
#include "domb/services/xenstore/session.hpp"
#include "domb/services/xenstore/store.hpp"
#include "domb/services/xenstore/tree.hpp"

#include <cstdint>

namespace xenstore {

// A transaction between two requests.
struct TransactionState {
    uint32_t id = 0;
    Block next{};  // of the client's
    Block root{};  // the root's shadow
    AccountId account{};
    uint32_t shadow_count = 0;
    uint32_t made_count = 0;  // nodes that commit would make
    uint32_t change_count = 0;
    bool is_doomed = false;  // saw two states of one node: it cannot be committed any more
};

namespace shadow {
// In Node::flags.
inline constexpr uint8_t detached = 1;         // the store is not seen here and below
inline constexpr uint8_t present = 2;          // detached: the node exists all the same
inline constexpr uint8_t own_value = 4;        // Node::value counts, not the store's
inline constexpr uint8_t own_permissions = 8;  // likewise
inline constexpr uint8_t saw_node = 16;        // Node::generation: of the store then, 0: no node
inline constexpr uint8_t saw_children = 32;    // Node::children_generation, likewise
}  // namespace shadow

class Overlay {
  public:
    Overlay(Store& store, TransactionState& state)
        : store_{store}, tree_{store.tree()}, memory_{store.memory()}, state_{state} {}

    // A node as the transaction sees it.
    struct Place {
        Block shadow{};
        Block base{};  // the store's node, if it is seen here
        bool is_below_detached = false;
    };
    // The node, or the last one above it that exists; the transaction depends on it.
    struct Nearest {
        Place place;
        bool is_it;
    };
    Result<Nearest> find(std::string_view path);

    [[nodiscard]] bool exists(const Place& place) const;
    [[nodiscard]] Bytes value(const Place& place) const;
    [[nodiscard]] PermissionList permissions(const Place& place) const;
    // Changes when the list of children does.
    [[nodiscard]] uint64_t generation(const Place& place) const;

    // Calls `sink` with the name of each child, as Bytes.
    template <class Sink>
    void for_each_child(const Place& place, Sink&& sink);

    Done create(const Path& path, const Actor& actor, std::string_view value);
    Done set_value(const Place& place, std::string_view value);
    Done set_permissions(const Place& place, const PermissionList& list);
    void remove(const Place& place);

    // EAGAIN, ENOSPC, ENOMEM: nothing has changed. Either way all that is left is discard().
    Done commit(const Actor& actor);
    // Frees everything but the state itself.
    void discard();

  private:
    [[nodiscard]] Node& at(Block node) const { return tree_.at(node); }
    [[nodiscard]] bool has(Block node, uint8_t flag) const { return (at(node).flags & flag) != 0; }
    Result<Place> child(const Place& place, std::string_view name);
    Result<Block> shadow_of(Block parent, std::string_view name);
    void depend_on_node(const Place& place);
    void depend_on_children(const Place& place);
    Done make(const Place& place, const PermissionList& list);
    void clear(Block shadow);

    struct Totals;
    bool find_bases();
    void add_up(Totals& totals) const;
    Done check_limits(const Totals& totals, const Actor& actor) const;
    void apply();
    void apply_detached(Block shadow);
    void apply_changes(Block shadow);
    void keep_made(Block top);
    [[nodiscard]] AccountId payer_of(Block node) const;

    Store& store_;
    Tree& tree_;
    Memory& memory_;
    TransactionState& state_;
};

template <class Sink>
void Overlay::for_each_child(const Place& place, Sink&& sink) {
    depend_on_children(place);
    if (place.base != no_block) {
        for (Block c = at(place.base).first_child; c != no_block; c = at(c).next) {
            const Block own = tree_.find_namesake(place.shadow, c);
            if (own == no_block || !has(own, shadow::detached)) {
                sink(at(c).name);
            }
        }
    }
    for (Block c = at(place.shadow).first_child; c != no_block; c = at(c).next) {
        if (has(c, shadow::present)) {
            sink(at(c).name);
        }
    }
}

}  // namespace xenstore
