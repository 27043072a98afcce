// SPDX-License-Identifier: Apache-2.0
// The end of a transaction: is everything it saw still so, and is there room for what it made? Then
// the store takes it over, which cannot fail.
#include "domb/services/xenstore/transaction.hpp"

#include <array>

namespace xenstore {

using namespace shadow;

// What commit would change, by account.
struct Overlay::Totals {
    std::array<int64_t, max_accounts> blocks{};
    std::array<int64_t, max_accounts> nodes{};
    void add(AccountId id, uint32_t of_node) {
        blocks[id.value()] += of_node;
        nodes[id.value()] += 1;
    }
    void subtract(AccountId id, uint32_t of_node) {
        blocks[id.value()] -= of_node;
        nodes[id.value()] -= 1;
    }
};

Done Overlay::commit(const Actor& actor) {
    if (state_.is_doomed || !find_bases()) {
        return hv::Err{Error::Again};
    }
    Totals totals;
    add_up(totals);
    TRY(check_limits(totals, actor));
    // The events that follow must not use the room that is needed here.
    for (uint8_t i = 0; i < max_accounts; ++i) {
        memory_.accounts[AccountId{i}].reserved =
            static_cast<uint32_t>(std::max(totals.blocks[i], int64_t{0}));
    }
    apply();
    for (uint8_t i = 0; i < max_accounts; ++i) {
        memory_.accounts[AccountId{i}].reserved = 0;
    }
    return hv::Ok{};
}

// Finds each shadow's node in the store. False if one is not as it was seen.
bool Overlay::find_bases() {
    for (Block block = state_.root; block != no_block;
         block = tree_.next_below(state_.root, block)) {
        Node& own = at(block);
        own.base = store_.root();
        if (block != state_.root) {
            const Block above = at(own.parent).base;
            own.base = above == no_block ? no_block : tree_.find_namesake(above, block);
        }
        const bool is_there = own.base != no_block;
        if (has(block, saw_node) && own.generation != (is_there ? at(own.base).generation : 0)) {
            return false;
        }
        if (has(block, saw_children) &&
            (!is_there || own.children_generation != at(own.base).children_generation)) {
            return false;
        }
    }
    return true;
}

void Overlay::add_up(Totals& totals) const {
    for (Block block = state_.root; block != no_block;) {
        const Node& own = at(block);
        if (has(block, detached)) {
            for (Block old = own.base; old != no_block; old = tree_.next_below(own.base, old)) {
                totals.subtract(at(old).account, tree_.blocks_of(at(old)));
            }
            for (Block made = block; made != no_block; made = tree_.next_below(block, made)) {
                if (has(made, present)) {
                    totals.add(payer_of(made), tree_.blocks_of(at(made)));
                }
            }
            block = tree_.next_beside(state_.root, block);
            continue;
        }
        if (has(block, own_value | own_permissions)) {
            Node after = at(own.base);
            totals.subtract(after.account, tree_.blocks_of(after));
            after.value = has(block, own_value) ? own.value : after.value;
            if (has(block, own_permissions)) {
                after.permissions = own.permissions;
                after.account = payer_of(block);
            }
            totals.add(after.account, tree_.blocks_of(after));
        }
        block = tree_.next_below(state_.root, block);
    }
    // The shadows go, or become what was added above.
    for (Block block = state_.root; block != no_block;
         block = tree_.next_below(state_.root, block)) {
        totals.blocks[state_.account.value()] -= tree_.blocks_of(at(block));
    }
}

AccountId Overlay::payer_of(Block node) const {
    return memory_.accounts.of(load_permissions(memory_, at(node).permissions)[0].domain);
}

Done Overlay::check_limits(const Totals& totals, const Actor& actor) const {
    for (uint8_t i = 0; i < max_accounts; ++i) {
        const Account& account = memory_.accounts[AccountId{i}];
        const bool is_bounded = !actor.is_privileged && AccountId{i} != system_account;
        if (is_bounded && totals.nodes[i] > 0 &&
            account.usage.nodes + totals.nodes[i] > account.quota.nodes) {
            return hv::Err{Error::NoSpace};
        }
        if (totals.blocks[i] > memory_.room(AccountId{i})) {
            return hv::Err{Error::NoMemory};
        }
    }
    return hv::Ok{};
}

void Overlay::apply() {
    for (Block block = state_.root; block != no_block;) {
        if (has(block, detached)) {
            const Block next = tree_.next_beside(state_.root, block);
            apply_detached(block);
            block = next;
            continue;
        }
        if (has(block, own_value | own_permissions)) {
            apply_changes(block);
        }
        block = tree_.next_below(state_.root, block);
    }
}

void Overlay::apply_detached(Block top) {
    const Block parent = at(at(top).parent).base;
    if (at(top).base != no_block) {
        store_.remove(at(top).base);
    }
    if (!has(top, present)) {
        return;
    }
    tree_.unlink(top);
    keep_made(top);
    store_.attach(parent, top);
    for (Block node = top; node != no_block; node = tree_.next_below(top, node)) {
        store_.fire_made(node);
    }
}

// Shadows of nodes that exist become nodes of the store, others go.
void Overlay::keep_made(Block top) {
    for (Block block = top; block != no_block;) {
        if (!has(block, present)) {
            const Block next = tree_.next_beside(top, block);
            tree_.unlink(block);
            tree_.free(block);
            block = next;
            continue;
        }
        Node& node = at(block);
        const AccountId payer = payer_of(block);
        memory_.move_charge(node.account, payer, tree_.blocks_of(node));
        memory_.accounts[payer].usage.nodes += 1;
        node.account = payer;
        node.flags = 0;
        node.base = no_block;
        block = tree_.next_below(top, block);
    }
}

void Overlay::apply_changes(Block block) {
    Node& own = at(block);
    Node& node = at(own.base);
    const PermissionList before = store_.permissions(own.base);
    if (has(block, own_value)) {
        memory_.drop(node.value, node.account);
        memory_.move_charge(own.account, node.account, Memory::blocks_for(own.value.size()));
        node.value = own.value;
        own.value = {};
    }
    if (has(block, own_permissions)) {
        const AccountId payer = payer_of(block);
        memory_.drop(node.permissions, node.account);
        store_.recharge(node, payer);
        memory_.move_charge(own.account, payer, Memory::blocks_for(own.permissions.size()));
        node.permissions = own.permissions;
        own.permissions = {};
    }
    store_.changed(own.base, has(block, own_permissions) ? &before : nullptr);
}

}  // namespace xenstore
