// SPDX-License-Identifier: Apache-2.0
// Server: the clients, and what they ask for. The program around it maps ring pages, tells it when
// domains come and go, and calls serve_all() until everything is quiet.
//
// One call serves at most one request of each client and never waits: who does not read its replies
// is not served further, and nobody else notices.
#pragma once

#include "domb/services/xenstore/message.hpp"
#include "domb/services/xenstore/outside.hpp"
#include "domb/services/xenstore/ring.hpp"
#include "domb/services/xenstore/session.hpp"
#include "domb/services/xenstore/store.hpp"
#include "domb/services/xenstore/transaction.hpp"
#include "domb/services/xenstore/view.hpp"
#include "domb/services/xenstore/watch.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <span>

namespace xenstore {

struct Config {
    Quota quota{};                          // of each domain that is added
    uint32_t system_memory = 8 << 20;       // bytes: nodes of no domain, and the control domain
    uint32_t clients = max_domains;         // at a time, at most max_domains
    std::optional<hv::DomainId> control{};  // the one privileged client
    HashKey hash_key{};                     // a secret of this boot
};

struct Client {
    enum class Link : uint8_t {
        None,       // known, but there is no ring
        Connected,  //
        Stopped,    // it broke the protocol; only a reconnect helps
    };
    static constexpr size_t max_message =
        sizeof(hv::abi::XsdSockmsg) + hv::abi::XENSTORE_PAYLOAD_MAX;

    bool is_in_use = false;
    Link link = Link::None;
    bool is_shut_down = false;  // its end was announced
    bool events_first = false;  // events and requests take turns
    bool is_news = false;       // the ring has changed: signal it
    hv::DomainId domain{};
    std::optional<Ring> ring{};
    size_t in_size = 0;   // bytes of the request that are here
    size_t out_size = 0;  // bytes of the reply or event
    size_t out_sent = 0;
    std::array<char, max_message> in{};
    std::array<char, max_message> out{};
};

class Server {
  public:
    // How much memory start() needs, so that config.clients domains can be added.
    static size_t memory_needed(const Config& config);
    // Builds a server in the memory, which is its own from now on. It must be as large as
    // memory_needed() says.
    static Server& start(std::span<std::byte> memory, const Config& config, Outside& outside);

    // The domain exists, and pays for what it owns. ENOMEM, ENOSPC; EEXIST.
    Done add_domain(hv::DomainId domain);
    // Its ring is there. The watchers of @introduceDomain hear of it. ENOENT: add it first.
    Done connect(hv::DomainId domain, hv::abi::XenstoreDomainInterface& page);
    // It has shut down or crashed; its page and its nodes stay.
    void shut_down(hv::DomainId domain);
    // It has gone, with all that was its own.
    void remove_domain(hv::DomainId domain);
    // The same, and what describes it goes, too: its /local/domain/<domid>, /libxl/<domid> and /vm.
    void bury(hv::DomainId domain);

    // True if there is more to do.
    bool serve(size_t client);
    bool serve_all();

    // Who hears of "@introduceDomain" or "@releaseDomain"; nullptr for any other name.
    [[nodiscard]] PermissionList* special_readers(std::string_view name);

    [[nodiscard]] Store& store() { return store_; }
    [[nodiscard]] Memory& memory() { return memory_; }

    // For audit.hpp.
    [[nodiscard]] std::span<const Client> clients() const { return clients_; }
    [[nodiscard]] std::span<const Session> sessions() const { return sessions_; }
    [[nodiscard]] std::span<const Block> buckets() const { return buckets_; }

  private:
    struct Parts;
    Server(const Parts& parts, const Config& config, Outside& outside);
    static Parts cut(std::span<std::byte> memory, const Config& config);

    // One request. Handlers write the reply's payload, or return why not.
    struct Call {
        size_t client;
        hv::abi::XsType type;
        uint32_t tx_id;
        Payload payload;
        Reply& reply;
    };
    // server.cpp
    std::optional<size_t> find(hv::DomainId domain) const;
    void drop_session(size_t client);
    void stop(size_t client, uint32_t error);
    void reset(size_t client);
    bool step(size_t client);
    bool flush(size_t client);
    enum class Received : uint8_t { Nothing, Whole };
    Received receive(size_t client);
    void send(Client& client, hv::abi::XsType type, uint32_t req_id, uint32_t tx_id, size_t size);
    void send_event(size_t client);
    void answer(size_t client);
    // requests.cpp
    struct Handler;
    Done dispatch(Call& call);
    // node_requests.cpp
    Result<Path> parse_path(Call& call, std::string_view text, PathBuffer& buffer);
    Result<View::Found> find_readable(Call& call, View& view, std::string_view given);
    Done read(Call& call, View& view);
    Done directory(Call& call, View& view);
    Done directory_part(Call& call, View& view);
    Done write(Call& call, View& view);
    Done make_directory(Call& call, View& view);
    Done remove(Call& call, View& view);
    // permission_requests.cpp
    Done get_permissions(Call& call, View& view);
    Done set_permissions(Call& call, View& view);
    Done put_permissions(Reply& reply, const PermissionList& list);
    void forget_special(hv::DomainId domain);
    Result<PermissionList> parse_permissions(Call& call);
    // session_requests.cpp
    Done watch(Call& call);
    Done unwatch(Call& call);
    Done reset_watches(Call& call);
    [[nodiscard]] TransactionState& transaction_at(Block block) const {
        return memory_.pool.at<TransactionState>(block);
    }
    Result<Block> find_transaction(size_t client, uint32_t id);
    Done start_transaction(Call& call);
    Done end_transaction(Call& call);
    void free_transaction(size_t client, Block state);
    void doom_transactions();
    // domain_requests.cpp
    Done get_domain_path(Call& call);
    Done introduce(Call& call);
    Done release(Call& call);
    Done is_introduced(Call& call);
    Done resume(Call& call);
    Done set_target(Call& call);
    Done get_feature(Call& call);
    Done set_feature(Call& call);
    Result<size_t> take_client(Payload& payload);
    void forget_client(size_t client);
    // control_requests.cpp
    Done control(Call& call);
    Done report_memory(Reply& reply);
    Done get_quota(Call& call);
    Done set_quota(Call& call);

    Outside& outside_;
    std::optional<hv::DomainId> control_;
    Quota quota_;
    std::span<Client> clients_;
    std::span<Session> sessions_;  // of the client with the same index
    std::span<Block> buckets_;
    Memory memory_;
    Watches watches_;
    Store store_;
    // Who hears of the special events.
    PermissionList introduce_readers_;
    PermissionList release_readers_;
};

}  // namespace xenstore
