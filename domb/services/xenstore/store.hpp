// SPDX-License-Identifier: Apache-2.0
// Store: the tree that all clients see. Every change fires the watches that may hear of it and is
// charged to the owner of the node. Whether a client may do something is checked above it
// (node_requests.cpp); that a change is in a transaction is handled in transaction.hpp.
#pragma once

#include "domb/services/xenstore/permissions.hpp"
#include "domb/services/xenstore/session.hpp"
#include "domb/services/xenstore/tree.hpp"
#include "domb/services/xenstore/watch.hpp"

#include <string_view>

namespace xenstore {

class Store {
  public:
    // With a root of the system's that nobody else may use.
    Store(Memory& memory, Watches& watches);

    [[nodiscard]] Tree& tree() { return tree_; }
    [[nodiscard]] const Tree& tree() const { return tree_; }
    [[nodiscard]] Memory& memory() const { return memory_; }
    [[nodiscard]] Block root() const { return root_; }
    [[nodiscard]] PermissionList permissions(Block node) const;

    // The node, or the last one above it that exists.
    struct Nearest {
        Block node;
        bool is_it;  // `node` is the one that was looked for
    };
    [[nodiscard]] Nearest find(std::string_view path) const;

    // Makes the node and what is missing above it, or nothing. The first missing one gets what
    // `inherit` gives it, and so on. ENOSPC, ENOMEM.
    Done create(const Path& path, const Actor& actor, std::string_view value);
    Done set_value(Block node, std::string_view value);
    Done set_permissions(Block node, const PermissionList& list);
    // With everything below it. Not the root.
    void remove(Block node);

    // The domain is gone for good: its nodes go, and its id means nobody.
    void forget(hv::DomainId domain);
    // The domain's account has been opened: it pays for what the domain owns. ENOMEM.
    Done adopt(hv::DomainId domain);

    // For transactions that are being committed: the caller has charged what is new. A subtree that
    // hangs nowhere gets its place; one node of it is news; and a node was changed, where its
    // permissions were `before` unless they are the same.
    void attach(Block parent, Block top);
    void fire_made(Block node);
    void changed(Block node, const PermissionList* before);
    void recharge(Node& node, AccountId to);

  private:
    Result<Block> make_chain(Components names, const PermissionList& list, std::string_view value);
    Result<Block> make_owned(std::string_view name, const PermissionList& list);
    void forget_in_permissions(Block node, hv::DomainId domain);

    Memory& memory_;
    Watches& watches_;
    Tree tree_;
    Block root_;
    uint64_t generation_ = 0;
};

}  // namespace xenstore
