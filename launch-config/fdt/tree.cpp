// SPDX-License-Identifier: Apache-2.0
// Of libfdt only the functions that walk tags are used: fdt_next_tag, fdt_get_name,
// fdt_get_property_by_offset and fdt_get_string. Its convenience functions would walk the tree
// again for each question, and Debian's build of them reads a stack canary at %fs:0x28, which is
// nobody's in a freestanding program (tests/static/libfdt.sh checks the ones used here).
#include "launch-config/fdt/tree.hpp"

#include "hv/base/endian.hpp"

#include <algorithm>

#include <libfdt.h>

namespace fdt {
namespace {

// Where the structure goes on after the tag at `offset`; an error shows as a number below zero.
struct Tag {
    uint32_t kind;
    int next;
};

Tag tag_at(const void* blob, int offset) {
    Tag tag{};
    tag.kind = fdt_next_tag(blob, offset, &tag.next);
    return tag;
}

std::optional<Property> read_property(const void* blob, int offset) {
    int length = 0;
    const struct fdt_property* raw = fdt_get_property_by_offset(blob, offset, &length);
    if (raw == nullptr || length < 0) {
        return std::nullopt;
    }
    int name_length = 0;
    const char* name =
        fdt_get_string(blob, static_cast<int>(fdt32_to_cpu(raw->nameoff)), &name_length);
    if (name == nullptr || name_length <= 0) {
        return std::nullopt;
    }
    // SAFETY: libfdt has checked that `length` bytes of the structure block begin at raw->data.
    const auto* data = reinterpret_cast<const std::byte*>(raw) + sizeof(*raw);
    return Property{{name, static_cast<size_t>(name_length)}, {data, static_cast<size_t>(length)}};
}

// One walk over all tags, with what must hold between them.
class Checker {
  public:
    explicit Checker(const void* blob) : blob_{blob} {}

    hv::Result<int, Error> run() {
        for (int offset = 0; !ended_;) {
            const Tag tag = tag_at(blob_, offset);
            if (tag.next <= offset) {
                return hv::Err{Error::BadStructure};
            }
            TRY(step(tag.kind, offset));
            offset = tag.next;
        }
        return root_;
    }

  private:
    hv::Result<void, Error> step(uint32_t kind, int offset) {
        switch (kind) {
            case FDT_BEGIN_NODE:
                return begin_node(offset);
            case FDT_END_NODE:
                properties_allowed_ = false;
                return --depth_ >= 0 ? hv::Result<void, Error>{hv::Ok{}}
                                     : hv::Err{Error::BadStructure};
            case FDT_PROP:
                return property(offset);
            case FDT_NOP:
                return hv::Ok{};
            case FDT_END:
                ended_ = true;
                return depth_ == 0 && root_ >= 0 ? hv::Result<void, Error>{hv::Ok{}}
                                                 : hv::Err{Error::BadStructure};
            default:
                return hv::Err{Error::BadStructure};
        }
    }

    hv::Result<void, Error> begin_node(int offset) {
        const bool second_root = depth_ == 0 && root_ >= 0;
        if (second_root || fdt_get_name(blob_, offset, nullptr) == nullptr) {
            return hv::Err{Error::BadStructure};
        }
        if (++depth_ > max_depth) {
            return hv::Err{Error::TooDeep};
        }
        root_ = root_ < 0 ? offset : root_;
        node_ = offset;
        properties_allowed_ = true;
        property_count_ = 0;
        return hv::Ok{};
    }

    // Properties come before children; each name once, so that it does not matter which is found.
    hv::Result<void, Error> property(int offset) {
        const auto found = read_property(blob_, offset);
        if (!properties_allowed_ || !found) {
            return hv::Err{Error::BadStructure};
        }
        size_t earlier = property_count_;
        for (const Property other : Node{blob_, node_}.properties()) {
            if (earlier == 0) {
                break;
            }
            --earlier;
            if (other.name == found->name) {
                return hv::Err{Error::BadStructure};
            }
        }
        if (++property_count_ > max_node_properties) {
            return hv::Err{Error::TooMany};
        }
        return hv::Ok{};
    }

    const void* blob_;
    int root_ = -1;
    int node_ = -1;
    int depth_ = 0;
    size_t property_count_ = 0;
    bool properties_allowed_ = false;
    bool ended_ = false;
};

template <class T>
std::optional<T> as_number(std::span<const std::byte> value) {
    if (value.size() != sizeof(T)) {
        return std::nullopt;
    }
    T number = 0;
    for (const std::byte b : value) {
        number = static_cast<T>((uint64_t{number} << 8) | static_cast<uint8_t>(b));
    }
    return number;
}

}  // namespace

hv::Result<Tree, Error> Tree::open(std::span<const std::byte> bytes) {
    const void* blob = bytes.data();
    // SAFETY: only the address is looked at.
    const bool aligned = reinterpret_cast<uintptr_t>(blob) % 8 == 0;
    if (!aligned || bytes.size() < sizeof(struct fdt_header) || fdt_magic(blob) != FDT_MAGIC ||
        fdt_version(blob) < 17 || fdt_check_header(blob) != 0 ||
        fdt_totalsize(blob) > bytes.size()) {
        return hv::Err{Error::BadHeader};
    }
    return Tree{blob, TRY(Checker{blob}.run())};
}

std::string_view Node::name() const {
    int length = 0;
    const char* name = fdt_get_name(blob_, offset_, &length);
    return name == nullptr ? std::string_view{}
                           : std::string_view{name, static_cast<size_t>(length)};
}

std::optional<std::span<const std::byte>> Node::property(std::string_view name) const {
    for (const Property p : properties()) {
        if (p.name == name) {
            return p.value;
        }
    }
    return std::nullopt;
}

std::optional<Node> Node::child(std::string_view name) const {
    for (const Node node : children()) {
        if (node.name() == name) {
            return node;
        }
    }
    return std::nullopt;
}

bool Node::is_compatible(std::string_view what) const {
    auto list = property("compatible").value_or(std::span<const std::byte>{});
    while (const auto entry = next_string(list)) {
        if (*entry == what) {
            return true;
        }
    }
    return false;
}

Children Node::children() const {
    return {blob_, offset_};
}

Properties::Iterator Properties::begin() const {
    return {blob_, tag_at(blob_, node_).next};
}

void Properties::Iterator::skip_nops() {
    Tag tag = tag_at(blob_, offset_);
    while (tag.kind == FDT_NOP) {
        offset_ = tag.next;
        tag = tag_at(blob_, offset_);
    }
    if (tag.kind != FDT_PROP) {
        offset_ = -1;
    }
}

Property Properties::Iterator::operator*() const {
    return read_property(blob_, offset_).value_or(Property{});
}

Properties::Iterator& Properties::Iterator::operator++() {
    offset_ = tag_at(blob_, offset_).next;
    skip_nops();
    return *this;
}

Children::Iterator Children::begin() const {
    return {blob_, tag_at(blob_, node_).next};
}

// Goes on to the next child's begin at the current level, or to the end.
void Children::Iterator::find_node() {
    Tag tag = tag_at(blob_, offset_);
    while (tag.kind == FDT_PROP || tag.kind == FDT_NOP) {
        offset_ = tag.next;
        tag = tag_at(blob_, offset_);
    }
    if (tag.kind != FDT_BEGIN_NODE) {
        offset_ = -1;
    }
}

Children::Iterator& Children::Iterator::operator++() {
    int depth = 0;
    do {
        const Tag tag = tag_at(blob_, offset_);
        depth += tag.kind == FDT_BEGIN_NODE ? 1 : tag.kind == FDT_END_NODE ? -1 : 0;
        offset_ = tag.next;
    } while (depth > 0);
    find_node();
    return *this;
}

std::optional<uint32_t> as_u32(std::span<const std::byte> value) {
    return as_number<uint32_t>(value);
}

std::optional<uint64_t> as_u64(std::span<const std::byte> value) {
    return as_number<uint64_t>(value);
}

std::optional<std::string_view> next_string(std::span<const std::byte>& list) {
    const auto end = std::find(list.begin(), list.end(), std::byte{0});
    if (end == list.end()) {
        return std::nullopt;
    }
    const auto length = static_cast<size_t>(end - list.begin());
    // SAFETY: chars may view any bytes.
    const std::string_view taken{reinterpret_cast<const char*>(list.data()), length};
    list = list.subspan(length + 1);
    return taken;
}

std::optional<std::string_view> as_string(std::span<const std::byte> value) {
    const auto only = next_string(value);
    return only && value.empty() ? only : std::nullopt;
}

}  // namespace fdt
