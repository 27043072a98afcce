// SPDX-License-Identifier: Apache-2.0
#include "domb/services/xenstore/path.hpp"

#include <algorithm>

namespace xenstore {
namespace {

bool is_legal(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '/' || c == '_' || c == '@';
}

bool are_slashes(char a, char b) {
    return a == '/' && b == '/';
}

// Names separated by single slashes.
bool is_well_formed(std::string_view names) {
    return !names.empty() && names.front() != '/' && names.back() != '/' &&
           std::adjacent_find(names.begin(), names.end(), are_slashes) == names.end() &&
           std::all_of(names.begin(), names.end(), is_legal);
}

std::string_view copy_to(PathBuffer& buffer, std::string_view text) {
    std::copy(text.begin(), text.end(), buffer.begin());
    return {buffer.data(), text.size()};
}

}  // namespace

void put_home(hv::Text& text, hv::DomainId domain) {
    text.put("/local/domain/").dec(domain.value());
}

Result<Path> Path::parse(std::string_view given, hv::DomainId caller, PathBuffer& buffer) {
    if (given == "/") {
        return Path{copy_to(buffer, given), 0};
    }
    const bool is_absolute = given.starts_with('/');
    const size_t limit =
        is_absolute ? hv::abi::XENSTORE_ABS_PATH_MAX : hv::abi::XENSTORE_REL_PATH_MAX;
    if (given.size() > limit || !is_well_formed(after(given, is_absolute ? 1 : 0)) ||
        given.starts_with('@')) {
        return hv::Err{Error::Invalid};
    }
    if (is_absolute) {
        return Path{copy_to(buffer, given), 0};
    }
    hv::Text text{buffer};
    put_home(text, caller);
    text.put('/');
    const size_t prefix_size = text.view().size();
    text.put(given);
    return Path{text.view(), prefix_size};
}

Result<Path> Path::parse_watched(std::string_view given, hv::DomainId caller, PathBuffer& buffer) {
    if (!given.starts_with('@')) {
        return parse(given, caller, buffer);
    }
    if (given.size() > hv::abi::XENSTORE_REL_PATH_MAX || !is_well_formed(given)) {
        return hv::Err{Error::Invalid};
    }
    return Path{copy_to(buffer, given), 0};
}

}  // namespace xenstore
