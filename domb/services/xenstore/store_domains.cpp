// SPDX-License-Identifier: Apache-2.0
// The half of Store that follows domains as they come and go.
#include "domb/services/xenstore/store.hpp"

namespace xenstore {

void Store::recharge(Node& node, AccountId to) {
    memory_.move_charge(node.account, to, tree_.blocks_of(node));
    memory_.accounts[node.account].usage.nodes -= 1;
    memory_.accounts[to].usage.nodes += 1;
    node.account = to;
}

Done Store::adopt(hv::DomainId domain) {
    const AccountId account = memory_.accounts.of(domain);
    const auto is_to_move = [&](Block node) {
        return tree_.at(node).account != account && permissions(node)[0].domain == domain;
    };
    uint32_t blocks = 0;
    for (Block node = root_; node != no_block; node = tree_.next_below(root_, node)) {
        blocks += is_to_move(node) ? tree_.blocks_of(tree_.at(node)) : 0;
    }
    if (blocks > memory_.room(account)) {
        return hv::Err{Error::NoMemory};
    }
    for (Block node = root_; node != no_block; node = tree_.next_below(root_, node)) {
        if (is_to_move(node)) {
            recharge(tree_.at(node), account);
        }
    }
    return hv::Ok{};
}

void Store::forget(hv::DomainId domain) {
    for (Block node = root_; node != no_block;) {
        if (node != root_ && permissions(node)[0].domain == domain) {
            const Block next = tree_.next_beside(root_, node);
            remove(node);
            node = next;
        } else {
            forget_in_permissions(node, domain);
            node = tree_.next_below(root_, node);
        }
    }
}

// A later domain with this id has no rights from this one.
void Store::forget_in_permissions(Block node, hv::DomainId domain) {
    const PermissionList before = permissions(node);
    PermissionList after;
    for (const Permission& permission : before) {
        if (permission.domain != domain) {
            ASSERT(after.push(permission).ok());
        } else if (&permission == before.begin()) {  // only the root is left to its heirs
            ASSERT(after.push({.access = permission.access}).ok());
        }
    }
    Node& n = tree_.at(node);
    if (before[0].domain == domain) {
        recharge(n, system_account);
    } else if (after.size() == before.size()) {
        return;
    }
    // Never longer than before, so there is room.
    ASSERT(replace_permissions(memory_, n.permissions, n.account, after).ok());
    n.generation = ++generation_;
}

}  // namespace xenstore
