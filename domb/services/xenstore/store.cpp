// SPDX-License-Identifier: Apache-2.0
#include "domb/services/xenstore/store.hpp"

namespace xenstore {
namespace {

PermissionList list_of(Permission permission) {
    PermissionList list;
    ASSERT(list.push(permission).ok());
    return list;
}

// How many names there are.
uint32_t count(Components names) {
    uint32_t n = 0;
    while (!names.at_end()) {
        names.next();
        ++n;
    }
    return n;
}

}  // namespace

Store::Store(Memory& memory, Watches& watches) : memory_{memory}, watches_{watches}, tree_{memory} {
    auto root = make_owned("", list_of({}));
    ASSERT(root.ok());  // the system's account is new, and has room for a node
    root_ = root.take();
    tree_.at(root_).generation = tree_.at(root_).children_generation = ++generation_;
}

PermissionList Store::permissions(Block node) const {
    return load_permissions(memory_, tree_.at(node).permissions);
}

Store::Nearest Store::find(std::string_view path) const {
    Block node = root_;
    for (Components names{path}; !names.at_end();) {
        const Block child = tree_.find_child(node, names.next());
        if (child == no_block) {
            return {node, false};
        }
        node = child;
    }
    return {node, true};
}

// A node on nobody's list of children, charged to its owner.
Result<Block> Store::make_owned(std::string_view name, const PermissionList& list) {
    const AccountId account = memory_.accounts.of(list[0].domain);
    const Block node = TRY(tree_.make_node(account, name));
    memory_.accounts[account].usage.nodes += 1;
    const auto stored = replace_permissions(memory_, tree_.at(node).permissions, account, list);
    if (!stored.ok()) {
        memory_.accounts[account].usage.nodes -= 1;
        tree_.free(node);
        return hv::Err{stored.error()};
    }
    return node;
}

Done Store::create(const Path& path, const Actor& actor, std::string_view value) {
    const Nearest above = find(path.text());
    ASSERT(!above.is_it);
    Components names{path};
    for (Block node = above.node; node != root_; node = tree_.at(node).parent) {
        names.next();
    }
    const PermissionList list = inherit(permissions(above.node), actor);
    const Account& account = memory_.accounts[memory_.accounts.of(list[0].domain)];
    if (!actor.is_privileged && account.usage.nodes + count(names) > account.quota.nodes) {
        return hv::Err{Error::NoSpace};
    }
    const Block top = TRY(make_chain(names, list, value));
    attach(above.node, top);
    Block last = top;
    while (tree_.at(last).first_child != no_block) {
        last = tree_.at(last).first_child;
    }
    fire_made(last);
    return hv::Ok{};
}

Result<Block> Store::make_chain(Components names, const PermissionList& list,
                                std::string_view value) {
    const Block top = TRY(make_owned(names.next(), list));
    const AccountId account = tree_.at(top).account;
    uint32_t made = 1;
    const auto undo = [&](Error error) {
        memory_.accounts[account].usage.nodes -= made;
        tree_.free(top);
        return hv::Err{error};
    };
    Block last = top;
    while (!names.at_end()) {
        auto child = make_owned(names.next(), list);
        if (!child.ok()) {
            return undo(child.error());
        }
        tree_.link(last, child.value());
        last = child.value();
        ++made;
    }
    const auto stored = memory_.replace(tree_.at(last).value, account, value);
    if (!stored.ok()) {
        return undo(stored.error());
    }
    return top;
}

void Store::attach(Block parent, Block top) {
    tree_.link(parent, top);
    const uint64_t now = ++generation_;
    tree_.at(parent).children_generation = now;
    for (Block node = top; node != no_block; node = tree_.next_below(top, node)) {
        tree_.at(node).generation = tree_.at(node).children_generation = now;
    }
}

void Store::fire_made(Block node) {
    PathBuffer buffer;
    const PermissionList list = permissions(node);
    const PermissionList parents = permissions(tree_.at(node).parent);
    watches_.fire(tree_.path_of(node, buffer), {.after = &list, .parent = &parents});
}

void Store::changed(Block node, const PermissionList* before) {
    tree_.at(node).generation = ++generation_;
    PathBuffer buffer;
    const PermissionList list = permissions(node);
    watches_.fire(tree_.path_of(node, buffer), {.before = before, .after = &list});
}

Done Store::set_value(Block block, std::string_view value) {
    Node& node = tree_.at(block);
    TRY(memory_.replace(node.value, node.account, value));
    changed(block, nullptr);
    return hv::Ok{};
}

Done Store::set_permissions(Block block, const PermissionList& list) {
    Node& node = tree_.at(block);
    const PermissionList before = permissions(block);
    const AccountId payer = memory_.accounts.of(list[0].domain);
    if (payer == node.account) {
        TRY(replace_permissions(memory_, node.permissions, payer, list));
    } else {
        const uint32_t others = tree_.blocks_of(node) - Memory::blocks_for(node.permissions.size());
        if (others + blocks_for_permissions(list) > memory_.room(payer)) {
            return hv::Err{Error::NoMemory};
        }
        memory_.drop(node.permissions, node.account);
        recharge(node, payer);
        ASSERT(replace_permissions(memory_, node.permissions, payer, list).ok());
    }
    changed(block, &before);
    return hv::Ok{};
}

void Store::remove(Block top) {
    ASSERT(top != root_);
    const Block parent = tree_.at(top).parent;
    for (Block node = top; node != no_block; node = tree_.next_below(top, node)) {
        PathBuffer buffer;
        const std::string_view path = tree_.path_of(node, buffer);
        const PermissionList list = permissions(node);
        const PermissionList parents = permissions(tree_.at(node).parent);
        const Change change{.before = &list, .parent = &parents};
        if (node == top) {
            watches_.fire(path, change);
        } else {
            watches_.fire_exactly(path, change);
        }
        memory_.accounts[tree_.at(node).account].usage.nodes -= 1;
    }
    tree_.unlink(top);
    tree_.free(top);
    tree_.at(parent).children_generation = ++generation_;
}

}  // namespace xenstore
