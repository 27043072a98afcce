// SPDX-License-Identifier: Apache-2.0
// GET_DOMAIN_PATH, and what the control domain says and asks about other domains.
#include "domb/services/xenstore/server.hpp"
#include "hv/abi/xen_hypercall.hpp"

namespace xenstore {
namespace {

constexpr uint32_t offered_features =
    hv::abi::XENSTORE_SERVER_FEATURE_RECONNECTION | hv::abi::XENSTORE_SERVER_FEATURE_ERROR;

Done put_number(Reply& reply, uint32_t number) {
    hv::TextOf<12> text;
    text.dec(number);
    return reply.put_string(text.view());
}

}  // namespace

Done Server::get_domain_path(Call& call) {
    const hv::DomainId domain = TRY(call.payload.domain());
    TRY(call.payload.end());
    HomePath home;
    put_home(home, domain);
    return call.reply.put_string(home.view());
}

// A domain that is known here.
Result<size_t> Server::take_client(Payload& payload) {
    const auto client = find(TRY(payload.domain()));
    if (!client) {
        return hv::Err{Error::NotFound};
    }
    return *client;
}

Done Server::introduce(Call& call) {
    const hv::DomainId domain = TRY(call.payload.domain());
    const uint32_t gfn = TRY(call.payload.number());
    const uint32_t port = TRY(call.payload.number());
    if (domain.value() >= hv::abi::DOMID_FIRST_RESERVED || domain == clients_[call.client].domain) {
        return hv::Err{Error::Invalid};
    }
    const bool is_new = !find(domain).has_value();
    if (is_new) {
        TRY(add_domain(domain));
    } else if (clients_[*find(domain)].link != Client::Link::None) {
        // Again, with a new ring: nothing of the old connection stays but its nodes.
        drop_session(*find(domain));
        clients_[*find(domain)].link = Client::Link::None;
        clients_[*find(domain)].ring.reset();
        outside_.unmap_ring(domain);
    }
    const auto page = outside_.map_ring(domain, gfn, port);
    if (!page.ok()) {
        if (is_new) {
            forget_client(*find(domain));
        }
        return hv::Err{page.error()};
    }
    TRY(connect(domain, *page.value()));
    return call.reply.put_ok();
}

Done Server::release(Call& call) {
    const size_t client = TRY(take_client(call.payload));
    TRY(call.payload.end());
    if (client == call.client) {
        return hv::Err{Error::Invalid};
    }
    remove_domain(clients_[client].domain);
    return call.reply.put_ok();
}

Done Server::is_introduced(Call& call) {
    const auto client = find(TRY(call.payload.domain()));
    TRY(call.payload.end());
    const bool is_connected = client && clients_[*client].link != Client::Link::None;
    return call.reply.put_string(is_connected ? "T" : "F");
}

Done Server::resume(Call& call) {
    const size_t client = TRY(take_client(call.payload));
    TRY(call.payload.end());
    clients_[client].is_shut_down = false;
    return call.reply.put_ok();
}

Done Server::set_target(Call& call) {
    const size_t client = TRY(take_client(call.payload));
    const size_t target = TRY(take_client(call.payload));
    TRY(call.payload.end());
    sessions_[client].actor.target = clients_[target].domain;
    return call.reply.put_ok();
}

// Without a domain: what this server offers.
Done Server::get_feature(Call& call) {
    if (call.payload.is_nothing()) {
        return put_number(call.reply, offered_features);
    }
    const Client& client = clients_[TRY(take_client(call.payload))];
    TRY(call.payload.end());
    return put_number(call.reply, client.ring ? client.ring->features() & offered_features : 0);
}

Done Server::set_feature(Call& call) {
    const size_t client = TRY(take_client(call.payload));
    const uint32_t features = TRY(call.payload.number());
    TRY(call.payload.end());
    if ((features & ~offered_features) != 0 || !clients_[client].ring) {
        return hv::Err{Error::Invalid};
    }
    clients_[client].ring->set_features(features);
    return call.reply.put_ok();
}

}  // namespace xenstore
