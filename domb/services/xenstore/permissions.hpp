// SPDX-License-Identifier: Apache-2.0
// Who may do what with a node. The first entry of a list names the owner, who may do everything,
// and gives the access of everybody who is not named; the others give a domain's access.
#pragma once

#include "domb/services/xenstore/error.hpp"
#include "domb/services/xenstore/memory.hpp"
#include "hv/base/address.hpp"
#include "hv/base/static_vector.hpp"
#include "hv/base/text.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace xenstore {

enum class Access : uint8_t { None = 0, Read = 1, Write = 2, Both = 3 };

struct Permission {
    hv::DomainId domain{};
    Access access = Access::None;
    uint8_t zero = 0;  // these bytes are stored as they are
};
static_assert(sizeof(Permission) == 4);

inline constexpr size_t max_permissions = 32;
using PermissionList = hv::StaticVector<Permission, max_permissions>;

// On whose behalf something is done.
struct Actor {
    hv::DomainId id{};
    bool is_privileged = false;
    std::optional<hv::DomainId> target{};  // SET_TARGET: has all rights of that domain, too
};

[[nodiscard]] bool is_owner(const Actor& actor, const PermissionList& list);
[[nodiscard]] bool may_read(const Actor& actor, const PermissionList& list);
[[nodiscard]] bool may_write(const Actor& actor, const PermissionList& list);

// What a new node gets: its parent's list; but what an unprivileged domain makes, it owns.
[[nodiscard]] PermissionList inherit(const PermissionList& parent, const Actor& actor);

[[nodiscard]] std::optional<Access> access_of(char letter);
// "r5"; EINVAL.
Result<Permission> parse_permission(std::string_view text);
void put_permission(hv::Text& text, const Permission& permission);

// Lists in the store's memory. A stored list is never empty. ENOMEM changes nothing.
Done replace_permissions(Memory& memory, Bytes& bytes, AccountId account,
                         const PermissionList& list);
[[nodiscard]] uint32_t blocks_for_permissions(const PermissionList& list);
[[nodiscard]] PermissionList load_permissions(const Memory& memory, Bytes bytes);

}  // namespace xenstore
