// SPDX-License-Identifier: Apache-2.0
// WATCH, UNWATCH, RESET_WATCHES, TRANSACTION_START and TRANSACTION_END.
#include "domb/services/xenstore/number.hpp"
#include "domb/services/xenstore/server.hpp"

namespace xenstore {

Done Server::watch(Call& call) {
    const std::string_view given = TRY(call.payload.string());
    const std::string_view token = TRY(call.payload.string());
    uint16_t depth = Watch::any_depth;
    if (!call.payload.at_end()) {
        // What follows was reserved before Xen 4.21; an empty string was common.
        const std::string_view text = TRY(call.payload.last_string());
        if (!text.empty()) {
            depth = static_cast<uint16_t>(TRY(parse_number(text, Watch::any_depth)));
        }
    }
    PathBuffer buffer;
    const Path path = TRY(Path::parse_watched(given, clients_[call.client].domain, buffer));
    TRY(watches_.add(call.client, path, token, depth));
    return call.reply.put_ok();
}

Done Server::unwatch(Call& call) {
    const std::string_view given = TRY(call.payload.string());
    const std::string_view token = TRY(call.payload.string());
    PathBuffer buffer;
    const Path path = TRY(Path::parse_watched(given, clients_[call.client].domain, buffer));
    TRY(watches_.remove(call.client, path, token));
    return call.reply.put_ok();
}

Done Server::reset_watches(Call& call) {
    watches_.remove_all(call.client);
    while (sessions_[call.client].first_transaction != no_block) {
        free_transaction(call.client, sessions_[call.client].first_transaction);
    }
    return call.reply.put_ok();
}

Result<Block> Server::find_transaction(size_t client, uint32_t id) {
    Block block = sessions_[client].first_transaction;
    while (block != no_block && transaction_at(block).id != id) {
        block = transaction_at(block).next;
    }
    if (block == no_block) {
        return hv::Err{Error::NotFound};
    }
    return block;
}

Done Server::start_transaction(Call& call) {
    if (call.tx_id != 0) {
        return hv::Err{Error::Busy};
    }
    Session& session = sessions_[call.client];
    Account& account = memory_.accounts[session.account];
    if (session.exceeds(account.usage.transactions + 1, account.quota.transactions)) {
        return hv::Err{Error::NoSpace};
    }
    const Block block = TRY(memory_.make<TransactionState>(session.account));
    auto root = store_.tree().make_node(session.account, {});
    if (!root.ok()) {
        memory_.release(block, session.account);
        return hv::Err{root.error()};
    }
    do {
        ++session.last_transaction_id;
    } while (session.last_transaction_id == 0 ||
             find_transaction(call.client, session.last_transaction_id).ok());
    TransactionState& state = transaction_at(block);
    state.id = session.last_transaction_id;
    state.next = session.first_transaction;
    state.root = root.take();
    state.account = session.account;
    session.first_transaction = block;
    account.usage.transactions += 1;
    hv::TextOf<12> id;
    id.dec(state.id);
    return call.reply.put_string(id.view());
}

Done Server::end_transaction(Call& call) {
    const std::string_view how = TRY(call.payload.last_string());
    if (how != "T" && how != "F") {
        return hv::Err{Error::Invalid};
    }
    const Block block = TRY(find_transaction(call.client, call.tx_id));
    if (how == "F") {
        free_transaction(call.client, block);
        return call.reply.put_ok();
    }
    const Done committed =
        Overlay{store_, transaction_at(block)}.commit(sessions_[call.client].actor);
    free_transaction(call.client, block);
    if (!committed.ok()) {
        return hv::Err{committed.error()};
    }
    return call.reply.put_ok();
}

void Server::free_transaction(size_t client, Block block) {
    Session& session = sessions_[client];
    TransactionState& state = transaction_at(block);
    Block* link = &session.first_transaction;
    while (*link != block) {
        link = &transaction_at(*link).next;
    }
    *link = state.next;
    Overlay{store_, state}.discard();
    memory_.release(block, session.account);
    memory_.accounts[session.account].usage.transactions -= 1;
}

void Server::doom_transactions() {
    for (const Session& session : sessions_) {
        for (Block block = session.first_transaction; block != no_block;) {
            transaction_at(block).is_doomed = true;
            block = transaction_at(block).next;
        }
    }
}

}  // namespace xenstore
