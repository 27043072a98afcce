// SPDX-License-Identifier: Apache-2.0
// Which request goes where, and who may send it.
#include "domb/services/xenstore/server.hpp"

#include <algorithm>
#include <array>

namespace xenstore {

using hv::abi::XsType;

struct Server::Handler {
    XsType type;
    bool is_privileged;  // only for the control domain
    Done (Server::*plain)(Call& call);
    Done (Server::*on_node)(Call& call, View& view);  // looks at tx_id; the others ignore it
};

Done Server::dispatch(Call& call) {
    static constexpr auto on_node = [](XsType type, Done (Server::*handler)(Call&, View&)) {
        return Handler{type, false, nullptr, handler};
    };
    static constexpr auto for_all = [](XsType type, Done (Server::*handler)(Call&)) {
        return Handler{type, false, handler, nullptr};
    };
    static constexpr auto privileged = [](XsType type, Done (Server::*handler)(Call&)) {
        return Handler{type, true, handler, nullptr};
    };
    static constexpr std::array handlers{
        on_node(XsType::XS_DIRECTORY, &Server::directory),
        on_node(XsType::XS_DIRECTORY_PART, &Server::directory_part),
        on_node(XsType::XS_READ, &Server::read),
        on_node(XsType::XS_GET_PERMS, &Server::get_permissions),
        on_node(XsType::XS_WRITE, &Server::write),
        on_node(XsType::XS_MKDIR, &Server::make_directory),
        on_node(XsType::XS_RM, &Server::remove),
        on_node(XsType::XS_SET_PERMS, &Server::set_permissions),
        for_all(XsType::XS_WATCH, &Server::watch),
        for_all(XsType::XS_UNWATCH, &Server::unwatch),
        for_all(XsType::XS_RESET_WATCHES, &Server::reset_watches),
        for_all(XsType::XS_TRANSACTION_START, &Server::start_transaction),
        for_all(XsType::XS_TRANSACTION_END, &Server::end_transaction),
        for_all(XsType::XS_GET_DOMAIN_PATH, &Server::get_domain_path),
        privileged(XsType::XS_CONTROL, &Server::control),
        privileged(XsType::XS_INTRODUCE, &Server::introduce),
        privileged(XsType::XS_RELEASE, &Server::release),
        privileged(XsType::XS_IS_DOMAIN_INTRODUCED, &Server::is_introduced),
        privileged(XsType::XS_RESUME, &Server::resume),
        privileged(XsType::XS_SET_TARGET, &Server::set_target),
        privileged(XsType::XS_GET_FEATURE, &Server::get_feature),
        privileged(XsType::XS_SET_FEATURE, &Server::set_feature),
        privileged(XsType::XS_GET_QUOTA, &Server::get_quota),
        privileged(XsType::XS_SET_QUOTA, &Server::set_quota),
    };
    const auto* const handler =
        std::find_if(handlers.begin(), handlers.end(),
                     [&](const Handler& candidate) { return candidate.type == call.type; });
    if (handler == handlers.end()) {
        return hv::Err{Error::Unknown};
    }
    if (handler->is_privileged && !sessions_[call.client].actor.is_privileged) {
        return hv::Err{Error::Denied};
    }
    if (handler->plain != nullptr) {
        return (this->*handler->plain)(call);
    }
    TransactionState* transaction = nullptr;
    if (call.tx_id != 0) {
        transaction = &transaction_at(TRY(find_transaction(call.client, call.tx_id)));
    }
    View view{store_, transaction};
    return (this->*handler->on_node)(call, view);
}

}  // namespace xenstore
