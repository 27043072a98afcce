// SPDX-License-Identifier: Apache-2.0
// GET_PERMS and SET_PERMS, of nodes and of the two special watches.
#include "domb/services/xenstore/server.hpp"

#include <algorithm>

namespace xenstore {

Done Server::put_permissions(Reply& reply, const PermissionList& list) {
    for (const Permission& permission : list) {
        hv::TextOf<8> text;
        put_permission(text, permission);
        TRY(reply.put_string(text.view()));
    }
    return hv::Ok{};
}

PermissionList* Server::special_readers(std::string_view name) {
    if (name == "@introduceDomain") {
        return &introduce_readers_;
    }
    return name == "@releaseDomain" ? &release_readers_ : nullptr;
}

Done Server::get_permissions(Call& call, View& view) {
    const std::string_view given = TRY(call.payload.last_string());
    if (const PermissionList* list = special_readers(given); list != nullptr) {
        if (!may_read(sessions_[call.client].actor, *list)) {
            return hv::Err{Error::Denied};
        }
        return put_permissions(call.reply, *list);
    }
    return put_permissions(call.reply, TRY(find_readable(call, view, given)).permissions);
}

Result<PermissionList> Server::parse_permissions(Call& call) {
    const Session& session = sessions_[call.client];
    const uint32_t limit = memory_.accounts[session.account].quota.node_permissions;
    PermissionList list;
    do {
        const std::string_view text = TRY(call.payload.string());
        const Permission permission = TRY(parse_permission(text));
        if (session.exceeds(static_cast<uint32_t>(list.size()) + 1, limit) ||
            !list.push(permission).ok()) {
            return hv::Err{Error::NoSpace};
        }
    } while (!call.payload.at_end());
    return list;
}

Done Server::set_permissions(Call& call, View& view) {
    const std::string_view given = TRY(call.payload.string());
    const PermissionList list = TRY(parse_permissions(call));
    const Actor& actor = sessions_[call.client].actor;
    if (PermissionList* const readers = special_readers(given); readers != nullptr) {
        if (!is_owner(actor, *readers)) {
            return hv::Err{Error::Denied};
        }
        *readers = list;
        return call.reply.put_ok();
    }
    PathBuffer buffer;
    const Path path = TRY(parse_path(call, given, buffer));
    const View::Found found = TRY(view.find(path.text()));
    if (!is_owner(actor, found.permissions)) {
        return hv::Err{Error::Denied};
    }
    if (!found.exists) {
        return hv::Err{Error::NotFound};
    }
    const bool is_other_owner = list[0].domain != found.permissions[0].domain;
    if (is_other_owner && (!actor.is_privileged || path.is_root())) {
        return hv::Err{Error::NotOwner};
    }
    TRY(view.set_permissions(found, list));
    return call.reply.put_ok();
}

void Server::forget_special(hv::DomainId domain) {
    for (PermissionList* const list : {&introduce_readers_, &release_readers_}) {
        for (Permission& permission : *list) {
            if (permission.domain == domain) {
                permission = {};  // nobody's: the system has all rights anyway
            }
        }
    }
}

}  // namespace xenstore
