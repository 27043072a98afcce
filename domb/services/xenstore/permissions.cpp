// SPDX-License-Identifier: Apache-2.0
#include "domb/services/xenstore/permissions.hpp"

#include "domb/services/xenstore/characters.hpp"
#include "domb/services/xenstore/number.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace xenstore {
namespace {

// Indexed by Access.
constexpr std::string_view letters = "nrwb";

bool acts_for(const Actor& actor, hv::DomainId domain) {
    return actor.id == domain || actor.target == domain;
}

bool may(const Actor& actor, const PermissionList& list, Access wanted) {
    if (is_owner(actor, list)) {
        return true;
    }
    Access access = list[0].access;
    for (size_t i = 1; i < list.size(); ++i) {
        if (acts_for(actor, list[i].domain)) {
            access = list[i].access;
            break;
        }
    }
    return (static_cast<uint8_t>(access) & static_cast<uint8_t>(wanted)) != 0;
}

}  // namespace

bool is_owner(const Actor& actor, const PermissionList& list) {
    return actor.is_privileged || acts_for(actor, list[0].domain);
}

bool may_read(const Actor& actor, const PermissionList& list) {
    return may(actor, list, Access::Read);
}

bool may_write(const Actor& actor, const PermissionList& list) {
    return may(actor, list, Access::Write);
}

PermissionList inherit(const PermissionList& parent, const Actor& actor) {
    PermissionList list = parent;
    if (!actor.is_privileged) {
        list[0].domain = actor.id;
    }
    return list;
}

std::optional<Access> access_of(char letter) {
    const size_t at = position_of(letter, letters);
    if (at == letters.size()) {
        return std::nullopt;
    }
    return static_cast<Access>(at);
}

Result<Permission> parse_permission(std::string_view text) {
    const auto access = text.empty() ? std::nullopt : access_of(text.front());
    if (!access) {
        return hv::Err{Error::Invalid};
    }
    return Permission{.domain = TRY(parse_domain(after(text, 1))), .access = *access};
}

void put_permission(hv::Text& text, const Permission& permission) {
    text.put(letters[static_cast<size_t>(permission.access)]).dec(permission.domain.value());
}

Done replace_permissions(Memory& memory, Bytes& bytes, AccountId account,
                         const PermissionList& list) {
    std::array<char, max_permissions * sizeof(Permission)> text;
    memcpy(text.data(), list.begin(), list.size() * sizeof(Permission));
    return memory.replace(bytes, account, {text.data(), list.size() * sizeof(Permission)});
}

uint32_t blocks_for_permissions(const PermissionList& list) {
    return Memory::blocks_for(list.size() * sizeof(Permission));
}

PermissionList load_permissions(const Memory& memory, Bytes bytes) {
    std::array<char, max_permissions * sizeof(Permission)> text;
    const size_t count = memory.copy(bytes, text) / sizeof(Permission);
    PermissionList list;
    for (size_t i = 0; i < count; ++i) {
        Permission permission;
        memcpy(&permission, &text[i * sizeof(Permission)], sizeof(Permission));
        ASSERT(list.push(permission).ok());
    }
    return list;
}

}  // namespace xenstore
