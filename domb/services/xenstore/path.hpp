// SPDX-License-Identifier: Apache-2.0
// Path: a well-formed absolute path. Made from what a client sent, which may be relative to its
// /local/domain/<domid>; says how to turn a path below that back into what the client expects.
#pragma once

#include "domb/services/xenstore/characters.hpp"
#include "domb/services/xenstore/error.hpp"
#include "hv/abi/xen_xenstore.hpp"
#include "hv/base/address.hpp"
#include "hv/base/text.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace xenstore {

// Where a Path keeps its text.
using PathBuffer = std::array<char, hv::abi::XENSTORE_ABS_PATH_MAX>;

// "/local/domain/<domid>", without a slash at the end.
using HomePath = hv::TextOf<24>;
void put_home(hv::Text& text, hv::DomainId domain);

class Path {
  public:
    // EINVAL for what is no path.
    static Result<Path> parse(std::string_view given, hv::DomainId caller, PathBuffer& buffer);
    // Allows the special ones, too: '@' and then anything a path may contain.
    static Result<Path> parse_watched(std::string_view given, hv::DomainId caller,
                                      PathBuffer& buffer);

    [[nodiscard]] std::string_view text() const { return text_; }
    [[nodiscard]] bool is_root() const { return text_.size() == 1; }
    [[nodiscard]] bool is_special() const { return text_.front() == '@'; }
    // How many bytes of text() the client left out; 0 if it gave an absolute path.
    [[nodiscard]] size_t prefix_size() const { return prefix_size_; }

  private:
    Path(std::string_view text, size_t prefix_size) : text_{text}, prefix_size_{prefix_size} {}
    std::string_view text_;
    size_t prefix_size_;
};

// The components of a path: `while (!it.at_end()) { name = it.next(); }`. The root has none.
class Components {
  public:
    explicit Components(std::string_view path) : rest_{after(path, 1)} {}
    explicit Components(const Path& path) : Components{path.text()} {}
    [[nodiscard]] bool at_end() const { return rest_.empty(); }
    std::string_view next() {
        const std::string_view name = rest_.substr(0, position_of('/', rest_));
        rest_.remove_prefix(name.size() == rest_.size() ? name.size() : name.size() + 1);
        return name;
    }

  private:
    std::string_view rest_;
};

}  // namespace xenstore
