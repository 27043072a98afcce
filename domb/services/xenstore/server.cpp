// SPDX-License-Identifier: Apache-2.0
#include "domb/services/xenstore/server.hpp"

#include <algorithm>
#include <cstring>

namespace xenstore {

using hv::abi::XsType;

std::optional<size_t> Server::find(hv::DomainId domain) const {
    for (size_t i = 0; i < clients_.size(); ++i) {
        if (clients_[i].is_in_use && clients_[i].domain == domain) {
            return i;
        }
    }
    return std::nullopt;
}

Done Server::add_domain(hv::DomainId domain) {
    if (find(domain)) {
        return hv::Err{Error::Exists};
    }
    const auto free = std::find_if(clients_.begin(), clients_.end(),
                                   [](const Client& client) { return !client.is_in_use; });
    if (free == clients_.end()) {
        return hv::Err{Error::NoSpace};
    }
    Session session{.actor = {.id = domain, .is_privileged = control_ == domain}};
    if (!session.actor.is_privileged) {
        session.account = TRY(memory_.accounts.open(domain, quota_));
        const Done adopted = store_.adopt(domain);
        if (!adopted.ok()) {
            memory_.accounts.close(session.account);
            return hv::Err{adopted.error()};
        }
    }
    sessions_[static_cast<size_t>(free - clients_.begin())] = session;
    free->is_in_use = true;
    free->link = Client::Link::None;
    free->is_shut_down = free->events_first = free->is_news = false;
    free->domain = domain;
    free->in_size = free->out_size = free->out_sent = 0;
    return hv::Ok{};
}

Done Server::connect(hv::DomainId domain, hv::abi::XenstoreDomainInterface& page) {
    const auto index = find(domain);
    if (!index) {
        return hv::Err{Error::NotFound};
    }
    Client& client = clients_[*index];
    drop_session(*index);
    client.ring.emplace(page);
    client.ring->set_features(hv::abi::XENSTORE_SERVER_FEATURE_RECONNECTION |
                              hv::abi::XENSTORE_SERVER_FEATURE_ERROR);
    client.link = Client::Link::Connected;
    client.is_news = true;
    watches_.fire_special("@introduceDomain", domain, introduce_readers_);
    return hv::Ok{};
}

void Server::shut_down(hv::DomainId domain) {
    const auto index = find(domain);
    if (index && !clients_[*index].is_shut_down) {
        clients_[*index].is_shut_down = true;
        watches_.fire_special("@releaseDomain", domain, release_readers_);
    }
}

void Server::remove_domain(hv::DomainId domain) {
    const auto index = find(domain);
    if (!index) {
        return;
    }
    Client& client = clients_[*index];
    if (client.link != Client::Link::None) {
        outside_.unmap_ring(domain);
    }
    forget_client(*index);
    watches_.fire_special("@releaseDomain", domain, release_readers_);
}

void Server::forget_client(size_t index) {
    Client& client = clients_[index];
    const hv::DomainId domain = client.domain;
    drop_session(index);
    // Transactions may hold the domain's id in permissions that nobody sees yet.
    doom_transactions();
    for (Session& session : sessions_) {
        if (session.actor.target == domain) {
            session.actor.target.reset();
        }
    }
    if (sessions_[index].account != system_account) {
        store_.forget(domain);
        forget_special(domain);
        memory_.accounts.close(sessions_[index].account);
    }
    sessions_[index] = {};
    client.is_in_use = false;
    client.link = Client::Link::None;
    client.ring.reset();
}

void Server::drop_session(size_t index) {
    watches_.remove_all(index);
    while (sessions_[index].first_transaction != no_block) {
        free_transaction(index, sessions_[index].first_transaction);
    }
    Client& client = clients_[index];
    client.in_size = client.out_size = client.out_sent = 0;
    client.events_first = false;
}

void Server::reset(size_t index) {
    Client& client = clients_[index];
    drop_session(index);
    client.ring->reset();
    client.link = Client::Link::Connected;
    client.is_news = true;
}

bool Server::serve_all() {
    bool is_busy = false;
    for (size_t i = 0; i < clients_.size(); ++i) {
        is_busy = serve(i) || is_busy;
    }
    return is_busy;
}

bool Server::serve(size_t index) {
    Client& client = clients_[index];
    if (!client.is_in_use || client.link == Client::Link::None) {
        return false;
    }
    const bool is_busy = step(index);
    if (client.is_news) {
        client.is_news = false;
        outside_.notify(client.domain);
    }
    return is_busy;
}

bool Server::step(size_t index) {
    Client& client = clients_[index];
    if (client.ring->wants_reconnect()) {
        reset(index);
        return true;
    }
    if (client.link == Client::Link::Stopped || !flush(index)) {
        return false;
    }
    // Nothing waits to be sent any more.
    client.out_size = client.out_sent = 0;
    const bool has_event = watches_.has_event(index);
    if (has_event && client.events_first) {
        client.events_first = false;
        send_event(index);
        return flush(index);
    }
    const Received received = receive(index);
    if (received == Received::Whole) {
        client.events_first = true;
        answer(index);
        return flush(index);
    }
    if (client.link == Client::Link::Connected && has_event) {
        send_event(index);
        return flush(index);
    }
    return false;
}

// True once all has been sent.
bool Server::flush(size_t index) {
    Client& client = clients_[index];
    const std::span<const char> rest =
        std::span{client.out}.subspan(client.out_sent, client.out_size - client.out_sent);
    if (rest.empty()) {
        return true;
    }
    const auto written = client.ring->write(rest);
    if (!written.ok()) {
        stop(index, hv::abi::XENSTORE_ERROR_RINGIDX);
        return false;
    }
    client.is_news = client.is_news || written.value() != 0;
    client.out_sent += written.value();
    return client.out_sent == client.out_size;
}

Server::Received Server::receive(size_t index) {
    Client& client = clients_[index];
    while (true) {
        hv::abi::XsdSockmsg header{};
        size_t wanted = sizeof(header);
        if (client.in_size >= sizeof(header)) {
            memcpy(&header, client.in.data(), sizeof(header));
            if (header.len > hv::abi::XENSTORE_PAYLOAD_MAX) {
                stop(index, hv::abi::XENSTORE_ERROR_PROTO);
                return Received::Nothing;
            }
            wanted += header.len;
            if (client.in_size == wanted) {
                return Received::Whole;
            }
        }
        const auto taken = client.ring->read(
            std::span{client.in}.subspan(client.in_size, wanted - client.in_size));
        if (!taken.ok()) {
            stop(index, hv::abi::XENSTORE_ERROR_RINGIDX);
            return Received::Nothing;
        }
        if (taken.value() == 0) {
            return Received::Nothing;
        }
        client.is_news = true;
        client.in_size += taken.value();
    }
}

void Server::stop(size_t index, uint32_t error) {
    Client& client = clients_[index];
    drop_session(index);
    client.ring->report(error);
    client.link = Client::Link::Stopped;
    client.is_news = true;
}

// The payload is there already.
void Server::send(Client& client, XsType type, uint32_t req_id, uint32_t tx_id, size_t size) {
    const hv::abi::XsdSockmsg header{.type = static_cast<uint32_t>(type),
                                     .req_id = req_id,
                                     .tx_id = tx_id,
                                     .len = static_cast<uint32_t>(size)};
    memcpy(client.out.data(), &header, sizeof(header));
    client.out_size = sizeof(header) + size;
    client.out_sent = 0;
}

void Server::send_event(size_t index) {
    Client& client = clients_[index];
    const std::span payload = std::span{client.out}.subspan(sizeof(hv::abi::XsdSockmsg));
    send(client, XsType::XS_WATCH_EVENT, 0, 0, watches_.take_event(index, payload).size());
}

void Server::answer(size_t index) {
    Client& client = clients_[index];
    hv::abi::XsdSockmsg header{};
    memcpy(&header, client.in.data(), sizeof(header));
    Reply reply{std::span{client.out}.subspan(sizeof(header))};
    Call call{.client = index,
              .type = static_cast<XsType>(header.type),
              .tx_id = header.tx_id,
              .payload = Payload{{client.in.data() + sizeof(header), header.len}},
              .reply = reply};
    const Done done = dispatch(call);
    client.in_size = 0;
    if (!done.ok()) {
        reply.clear();
        ASSERT(reply.put_string(name_of(done.error())).ok());
    }
    send(client, done.ok() ? call.type : XsType::XS_ERROR, header.req_id, header.tx_id,
         reply.size());
}

}  // namespace xenstore
