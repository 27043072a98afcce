// SPDX-License-Identifier: Apache-2.0
#include "launch-config/xenstore/tree.hpp"

#include "hv/abi/xenstore_tree.hpp"

#include <algorithm>
#include <limits>
#include <span>
#include <stdexcept>

namespace launch::xenstore {
namespace {

std::string parent_of(const std::string& path) {
    const size_t slash = path.rfind('/');
    return slash == 0 ? "/" : path.substr(0, slash);
}

class ModuleWriter {
  public:
    void put(const Node& node) {
        if (node.permissions.size() > hv::abi::xenstore_tree_max_permissions) {
            throw std::length_error{"permissions of " + node.path};
        }
        put_bytes(hv::abi::XenstoreTreeRecord{
            .path_bytes = length(node.path),
            .value_bytes = length(node.value),
            .permission_count = static_cast<uint16_t>(node.permissions.size())});
        for (const Permission& permission : node.permissions) {
            put_bytes(
                hv::abi::XenstoreTreePermission{.domid = permission.domain.value(),
                                                .letter = static_cast<uint8_t>(permission.letter),
                                                .zero = 0});
        }
        append(std::as_bytes(std::span{node.path}));
        append(std::as_bytes(std::span{node.value}));
    }
    template <class T>
    void put_bytes(const T& value) {
        append(std::as_bytes(std::span{&value, 1}));
    }
    std::vector<std::byte> finish() { return std::move(bytes_); }

  private:
    static uint16_t length(const std::string& text) {
        if (text.size() > std::numeric_limits<uint16_t>::max()) {
            throw std::length_error{"a text of the Xenstore tree"};
        }
        return static_cast<uint16_t>(text.size());
    }
    void append(std::span<const std::byte> bytes) {
        bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    }
    std::vector<std::byte> bytes_;
};

}  // namespace

Tree::Tree(Permissions root)
    : nodes_{{.path = "/", .value = {}, .permissions = std::move(root)}},
      children_(1),
      index_{{"/", 0}} {}

size_t Tree::at(const std::string& path) {
    if (const auto found = index_.find(path); found != index_.end()) {
        return found->second;
    }
    const size_t parent = at(parent_of(path));
    const size_t index = nodes_.size();
    nodes_.push_back({.path = path, .value = {}, .permissions = nodes_[parent].permissions});
    children_.emplace_back();
    children_[parent].push_back(index);
    index_.emplace(path, index);
    return index;
}

void Tree::write(const std::string& path, std::string_view value) {
    nodes_[at(path)].value = value;
}

void Tree::write(const std::string& path, std::string_view value, const Permissions& permissions) {
    Node& node = nodes_[at(path)];
    node.value = value;
    node.permissions = permissions;
}

void Tree::make(const std::string& path, const Permissions& permissions) {
    nodes_[at(path)].permissions = permissions;
}

void Tree::make_special(const std::string& name, const Permissions& permissions) {
    specials_.push_back({.path = name, .value = {}, .permissions = permissions});
}

void Tree::let_read(const std::string& path, hv::DomainId reader) {
    const Permission permission{reader, 'r'};
    Permissions& permissions = nodes_[index_.at(path)].permissions;
    if (std::find(permissions.begin(), permissions.end(), permission) == permissions.end()) {
        permissions.push_back(permission);
    }
}

std::vector<Node> Tree::nodes() const {
    std::vector<Node> ordered;
    std::vector<size_t> waiting{0};
    while (!waiting.empty()) {
        const size_t index = waiting.back();
        waiting.pop_back();
        ordered.push_back(nodes_[index]);
        waiting.insert(waiting.end(), children_[index].rbegin(), children_[index].rend());
    }
    ordered.insert(ordered.end(), specials_.begin(), specials_.end());
    return ordered;
}

std::vector<std::byte> to_module(const Tree& tree) {
    const std::vector<Node> nodes = tree.nodes();
    ModuleWriter writer;
    writer.put_bytes(hv::abi::XenstoreTreeHeader{.magic = hv::abi::xenstore_tree_magic,
                                                 .version = hv::abi::xenstore_tree_version,
                                                 .count = static_cast<uint32_t>(nodes.size())});
    for (const Node& node : nodes) {
        writer.put(node);
    }
    return writer.finish();
}

std::string to_text(const Permissions& permissions) {
    std::string text;
    for (const Permission& permission : permissions) {
        text += text.empty() ? "" : ",";
        text += permission.letter + std::to_string(permission.domain.value());
    }
    return text;
}

std::string to_text(const Tree& tree) {
    std::string text;
    for (const Node& node : tree.nodes()) {
        if (node.path != "/") {
            text += node.path + " = \"" + node.value + "\"   (" + to_text(node.permissions) + ")\n";
        }
    }
    return text;
}

}  // namespace launch::xenstore
