// SPDX-License-Identifier: Apache-2.0
// NodeReader: the properties of one node as typed values, every refusal with the node's path. Used
// by decode only.
#pragma once

#include "launch-config/binding/decode.hpp"
#include "launch-config/fdt/tree.hpp"

#include <optional>
#include <span>
#include <string_view>

namespace launch {

using NodePath = decltype(DecodeError::path);

template <class T>
using Decoded = hv::Result<T, DecodeError>;

class NodeReader {
  public:
    NodeReader(fdt::Node node, const NodePath& parent);

    [[nodiscard]] const fdt::Node& node() const { return node_; }
    [[nodiscard]] const NodePath& path() const { return path_; }
    [[nodiscard]] hv::Err<DecodeError> reject(DecodeReason reason,
                                              std::string_view property = {}) const;

    // A property that may be absent; present in another form it is Malformed.
    [[nodiscard]] Decoded<std::optional<uint32_t>> u32(std::string_view name) const;
    [[nodiscard]] Decoded<std::optional<uint64_t>> u64(std::string_view name) const;
    [[nodiscard]] Decoded<std::optional<std::string_view>> string(std::string_view name) const;
    // 0 or 1.
    [[nodiscard]] Decoded<bool> flag(std::string_view name, bool if_absent) const;
    // A number that must be there and lie in [low, high].
    [[nodiscard]] Decoded<uint32_t> u32_in(std::string_view name, uint32_t low,
                                           uint32_t high) const;
    // A string of at most `max` bytes; absent is empty.
    [[nodiscard]] Decoded<std::string_view> text(std::string_view name, size_t max) const;

    // Reports properties that are not in `known`; refuses those known to be not implemented.
    [[nodiscard]] Decoded<void> check_unknown(std::span<const std::string_view> known,
                                              DecodeNotes* notes) const;
    void note_unknown_node(DecodeNotes* notes) const;

  private:
    fdt::Node node_;
    NodePath path_;
};

// Whether `s` may name a domain or an artefact.
bool is_name(std::string_view s);

}  // namespace launch
