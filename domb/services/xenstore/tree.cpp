// SPDX-License-Identifier: Apache-2.0
#include "domb/services/xenstore/tree.hpp"

namespace xenstore {

Result<Block> Tree::make_node(AccountId account, std::string_view name) {
    const Block node = TRY(memory_.make<Node>(account));
    auto stored = memory_.store(account, name);
    if (!stored.ok()) {
        memory_.release(node, account);
        return hv::Err{stored.error()};
    }
    at(node).name = stored.take();
    at(node).name_hash = hash_of(memory_.hash_key, name);
    at(node).account = account;
    return node;
}

void Tree::link(Block parent, Block child) {
    Node& p = at(parent);
    Node& c = at(child);
    c.parent = parent;
    c.next = no_block;
    if (p.first_child == no_block) {
        p.first_child = child;
        c.prev = child;
        return;
    }
    Node& first = at(p.first_child);
    c.prev = first.prev;
    at(first.prev).next = child;
    first.prev = child;
}

void Tree::unlink(Block child) {
    Node& c = at(child);
    Node& p = at(c.parent);
    const bool is_last = c.next == no_block;
    if (p.first_child == child) {
        p.first_child = c.next;
    } else {
        at(c.prev).next = c.next;
    }
    if (!is_last) {
        at(c.next).prev = c.prev;
    } else if (p.first_child != no_block) {
        at(p.first_child).prev = c.prev;
    }
    c.parent = c.next = c.prev = no_block;
}

void Tree::free(Block top) {
    ASSERT(at(top).parent == no_block);
    Block node = top;
    while (true) {
        if (at(node).first_child != no_block) {
            node = at(node).first_child;
            continue;
        }
        const Block parent = at(node).parent;
        if (parent != no_block) {
            unlink(node);
        }
        Node& n = at(node);
        const AccountId account = n.account;
        memory_.drop(n.name, account);
        memory_.drop(n.value, account);
        memory_.drop(n.permissions, account);
        memory_.release(node, account);
        if (node == top) {
            return;
        }
        node = parent;
    }
}

Block Tree::find_child(Block parent, std::string_view name) const {
    const uint32_t hash = hash_of(memory_.hash_key, name);
    Block child = at(parent).first_child;
    while (child != no_block &&
           !(at(child).name_hash == hash && memory_.equal(at(child).name, name))) {
        child = at(child).next;
    }
    return child;
}

Block Tree::find_namesake(Block parent, Block other) const {
    PathBuffer buffer;
    const size_t size = memory_.copy(at(other).name, buffer);
    return find_child(parent, {buffer.data(), size});
}

Block Tree::next_below(Block top, Block node) const {
    if (at(node).first_child != no_block) {
        return at(node).first_child;
    }
    return next_beside(top, node);
}

Block Tree::next_beside(Block top, Block node) const {
    while (node != top && at(node).next == no_block) {
        node = at(node).parent;
    }
    return node == top ? no_block : at(node).next;
}

std::string_view Tree::path_of(Block node, PathBuffer& buffer) const {
    if (at(node).parent == no_block) {
        buffer.back() = '/';
        return {&buffer.back(), 1};
    }
    size_t start = buffer.size();
    for (Block n = node; at(n).parent != no_block; n = at(n).parent) {
        const size_t size = at(n).name.size();
        ASSERT(size < start);
        start -= size;
        memory_.copy(at(n).name, {&buffer[start], size});
        buffer[--start] = '/';
    }
    return {&buffer[start], buffer.size() - start};
}

uint32_t Tree::blocks_of(const Node& node) const {
    return 1 + Memory::blocks_for(node.name.size()) + Memory::blocks_for(node.value.size()) +
           Memory::blocks_for(node.permissions.size());
}

}  // namespace xenstore
