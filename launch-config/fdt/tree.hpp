// SPDX-License-Identifier: Apache-2.0
// A bounded, typed face over libfdt for reading: flattened device trees of [dt-spec] chapter 5.
// Tree::open walks the whole structure once and refuses what is not well formed; after that,
// nodes and properties are plain values and reading them cannot fail.
// The bytes must be 8-byte aligned (libfdt asks for it), and outlive and not change under the tree.
#pragma once

#include "hv/base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>

namespace fdt {

inline constexpr int max_depth = 8;  // nodes above a node; launch trees need 4
inline constexpr size_t max_node_properties = 64;

// Every value means: reject the input.
enum class Error : uint8_t {
    BadHeader,     // no magic, other version, or the blocks do not fit the bytes
    BadStructure,  // tags, names or lengths that lead nowhere, or a node with a property twice
    TooDeep,
    TooMany,  // properties in one node
};

struct Property {
    std::string_view name;
    std::span<const std::byte> value;
};

// The typed readings of a property's value; nothing if it has not exactly that form.
std::optional<uint32_t> as_u32(std::span<const std::byte> value);
std::optional<uint64_t> as_u64(std::span<const std::byte> value);
// One NUL-terminated string, without its NUL.
std::optional<std::string_view> as_string(std::span<const std::byte> value);
// Takes the first of a list of NUL-terminated strings off `list`; nothing at its end or if the
// terminator is missing.
std::optional<std::string_view> next_string(std::span<const std::byte>& list);

// The properties of one node, in tree order, for range-for.
class Properties {
  public:
    class Iterator {
      public:
        Iterator(const void* blob, int offset) : blob_{blob}, offset_{offset} { skip_nops(); }
        Property operator*() const;
        Iterator& operator++();
        bool operator==(std::default_sentinel_t) const { return offset_ < 0; }

      private:
        void skip_nops();
        const void* blob_;
        int offset_;  // of a property's tag, or -1 at the end
    };
    Properties(const void* blob, int node) : blob_{blob}, node_{node} {}
    [[nodiscard]] Iterator begin() const;
    [[nodiscard]] static std::default_sentinel_t end() { return {}; }

  private:
    const void* blob_;
    int node_;
};

class Children;

class Node {
  public:
    Node(const void* blob, int offset) : blob_{blob}, offset_{offset} {}
    [[nodiscard]] std::string_view name() const;
    [[nodiscard]] Properties properties() const { return {blob_, offset_}; }
    [[nodiscard]] Children children() const;
    [[nodiscard]] std::optional<std::span<const std::byte>> property(std::string_view name) const;
    [[nodiscard]] std::optional<Node> child(std::string_view name) const;
    // Whether one string of the property "compatible" is `what`.
    [[nodiscard]] bool is_compatible(std::string_view what) const;

  private:
    const void* blob_;
    int offset_;
};

// The children of one node, in tree order, for range-for.
class Children {
  public:
    class Iterator {
      public:
        Iterator(const void* blob, int offset) : blob_{blob}, offset_{offset} { find_node(); }
        Node operator*() const { return {blob_, offset_}; }
        Iterator& operator++();
        bool operator==(std::default_sentinel_t) const { return offset_ < 0; }

      private:
        void find_node();
        const void* blob_;
        int offset_;  // of a child's tag, or -1 at the end
    };
    Children(const void* blob, int node) : blob_{blob}, node_{node} {}
    [[nodiscard]] Iterator begin() const;
    [[nodiscard]] static std::default_sentinel_t end() { return {}; }

  private:
    const void* blob_;
    int node_;
};

class Tree {
  public:
    static hv::Result<Tree, Error> open(std::span<const std::byte> bytes);
    [[nodiscard]] Node root() const { return {blob_, root_}; }

  private:
    Tree(const void* blob, int root) : blob_{blob}, root_{root} {}
    const void* blob_;
    int root_;
};

}  // namespace fdt
