// SPDX-License-Identifier: Apache-2.0
// Tree: named nodes in the store's memory, and how they hang together. Used for the store itself
// and for each transaction's changes (transaction.hpp). Knows nothing of permissions and watches.
#pragma once

#include "domb/services/xenstore/error.hpp"
#include "domb/services/xenstore/memory.hpp"
#include "domb/services/xenstore/path.hpp"

#include <cstdint>
#include <string_view>

namespace xenstore {

struct Node {
    uint64_t generation = 0;           // of value and permissions: when they changed last
    uint64_t children_generation = 0;  // when a child was made or removed
    Block parent{};                    // none for a root
    Block first_child{};
    Block next{};  // none for the last sibling
    Block prev{};  // the last sibling for the first one
    Block base{};  // transactions: see transaction.hpp
    uint32_t name_hash = 0;
    Bytes name{};
    Bytes value{};
    Bytes permissions{};  // see load_permissions
    AccountId account{};  // pays for this block and its bytes
    uint8_t flags = 0;    // transactions: see transaction.hpp
};
static_assert(sizeof(Node) <= block_size);

class Tree {
  public:
    explicit Tree(Memory& memory) : memory_{memory} {}

    [[nodiscard]] Node& at(Block node) const { return memory_.pool.at<Node>(node); }

    // A node that hangs nowhere yet.
    Result<Block> make_node(AccountId account, std::string_view name);
    // As the last child.
    void link(Block parent, Block child);
    void unlink(Block child);
    // Frees a node that hangs nowhere, and everything below it.
    void free(Block top);

    [[nodiscard]] Block find_child(Block parent, std::string_view name) const;
    // The child of `parent` with the name that a node of another tree has.
    [[nodiscard]] Block find_namesake(Block parent, Block other) const;

    // The nodes of a subtree, each before its children; none after the last. The second form leaves
    // out what is below `node`.
    [[nodiscard]] Block next_below(Block top, Block node) const;
    [[nodiscard]] Block next_beside(Block top, Block node) const;

    // "/a/b"; "/" for a root.
    std::string_view path_of(Block node, PathBuffer& buffer) const;
    // How many blocks the node's account pays for it.
    [[nodiscard]] uint32_t blocks_of(const Node& node) const;

  private:
    Memory& memory_;
};

}  // namespace xenstore
