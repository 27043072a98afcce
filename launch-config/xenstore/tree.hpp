// SPDX-License-Identifier: Apache-2.0
// A Xenstore tree in memory: built node by node as a toolstack writes it, then turned into the
// module that the Xenstore service starts with (hv/abi/xenstore_tree.hpp), or into text. Host only.
#pragma once

#include "hv/base/address.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace launch::xenstore {

// The letters are those of the wire protocol: n none, r read, w write, b both.
struct Permission {
    hv::DomainId domain{};
    char letter = 'n';
    friend bool operator==(const Permission&, const Permission&) = default;
};
// The first names the owner, and what all may do who are not named.
using Permissions = std::vector<Permission>;

struct Node {
    std::string path;
    std::string value;
    Permissions permissions;
};

class Tree {
  public:
    explicit Tree(Permissions root);

    // As the control domain's writes do: parents are made where they are missing, and what is new
    // gets the permissions of its parent.
    void write(const std::string& path, std::string_view value);
    // Also sets the node's permissions.
    void write(const std::string& path, std::string_view value, const Permissions& permissions);
    // Without a value.
    void make(const std::string& path, const Permissions& permissions);
    // Who hears of a special watch, "@releaseDomain" or "@introduceDomain": whoever may read it.
    void make_special(const std::string& name, const Permissions& permissions);
    // One more domain may read the node, which exists.
    void let_read(const std::string& path, hv::DomainId reader);

    // Each node before its children, children in the order in which they were made; then the
    // special ones.
    [[nodiscard]] std::vector<Node> nodes() const;

  private:
    size_t at(const std::string& path);

    std::vector<Node> nodes_;
    std::vector<std::vector<size_t>> children_;  // of the node with the same index
    std::map<std::string, size_t, std::less<>> index_;
    std::vector<Node> specials_;
};

// Throws std::length_error if a text or a list is longer than the format has room for.
std::vector<std::byte> to_module(const Tree& tree);

// A line for each node but the root, as `xenstore-ls -fp` prints them:
//     /local/domain/1/name = "web"   (n0,r1)
std::string to_text(const Tree& tree);
std::string to_text(const Permissions& permissions);  // n0,r1

}  // namespace launch::xenstore
