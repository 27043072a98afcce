// SPDX-License-Identifier: Apache-2.0
// Fuzz entry for the Xenstore server: four guests and a control domain write what the input says
// into their ring pages, bytes and indices. Every few steps the books are checked: every block,
// node, watch, event and transaction is counted again. Without the control domain, a well-behaved
// guest that shares nothing with the others must get exactly the answers it expects, too.
//
// Input: first the length (15 bits) and the bytes of an initial tree module, the bit above says
// whether there is a control domain; then a sequence of records: who, what, a number, length n, and
// n bytes.
#include "domb/services/xenstore/audit.hpp"
#include "domb/services/xenstore/initial_tree.hpp"
#include "domb/services/xenstore/server.hpp"
#include "hv/base/assert.hpp"
#include "hv/base/reader.hpp"

#include <array>
#include <cstring>
#include <memory>
#include <string>

namespace {

using hv::abi::XenstoreDomainInterface;
using hv::abi::XsdSockmsg;
using hv::abi::XsType;
using namespace xenstore;

constexpr uint32_t ring_size = hv::abi::XENSTORE_RING_SIZE;
constexpr uint16_t control_id = 0;
constexpr uint16_t witness_id = 9;
constexpr std::array<uint16_t, 5> writers{1, 2, 3, 4, control_id};

class World final : public Outside {
  public:
    Result<XenstoreDomainInterface*> map_ring(hv::DomainId domain, uint64_t, uint32_t) override {
        return &page(domain.value());
    }
    void unmap_ring(hv::DomainId) override {}
    void notify(hv::DomainId) override {}
    void print(std::string_view) override {}

    XenstoreDomainInterface& page(uint16_t domain) { return pages_[domain % pages_.size()]; }

  private:
    std::array<XenstoreDomainInterface, 16> pages_{};
};

Config small_config() {
    Config config;
    config.quota = {.nodes = 20,
                    .watches = 8,
                    .transactions = 3,
                    .node_size = 200,
                    .node_permissions = 5,
                    .transaction_nodes = 24,
                    .events = 6,
                    .memory = 24 * 1024};
    config.system_memory = 64 * 1024;
    config.clients = 7;
    config.control = hv::DomainId{control_id};
    return config;
}

struct Record {
    uint8_t who, what;
    uint16_t number;
    uint8_t length;
    std::span<const std::byte> bytes;
};

bool read_record(hv::Reader& input, Record& r) {
    auto who = input.read_le<uint8_t>();
    auto what = input.read_le<uint8_t>();
    auto number = input.read_le<uint16_t>();
    auto length = input.read_le<uint8_t>();
    if (!who.ok() || !what.ok() || !number.ok() || !length.ok()) {
        return false;
    }
    r = {who.take(), what.take(), number.take(), length.take(), {}};
    auto bytes = input.take(r.length);
    if (!bytes.ok()) {
        return false;
    }
    r.bytes = bytes.take();
    return true;
}

class Fuzz {
  public:
    explicit Fuzz(bool has_control)
        : has_control_{has_control},
          memory_(new std::byte[Server::memory_needed(config_)]),
          server_{Server::start({memory_.get(), Server::memory_needed(config_)}, config_, world_)} {
        for (const uint16_t id : writers) {
            connect(id);
        }
        connect(witness_id);
    }
    ~Fuzz() {
        // Everybody leaves: nothing but the system's own may be left.
        for (uint16_t id = 0; id < 16; ++id) {
            server_.remove_domain(hv::DomainId{id});
        }
        audit();
    }
    Fuzz(const Fuzz&) = delete;
    Fuzz& operator=(const Fuzz&) = delete;

    void load(std::span<const std::byte> module) {
        static_cast<void>(load_tree(server_, module).ok());
        audit();
        PathBuffer buffer;
        const auto home = Path::parse("/witness", {}, buffer);
        if (has_control_ || server_.store().find("/witness").is_it ||
            !server_.store().create(home.value(), {.is_privileged = true}, {}).ok()) {
            return;
        }
        PermissionList list;
        ASSERT(list.push({.domain = hv::DomainId{witness_id}}).ok());
        const Block node = server_.store().find("/witness").node;
        has_witness_ = server_.store().set_permissions(node, list).ok();
    }

    void act(const Record& r) {
        const size_t writer = r.who % (has_control_ ? writers.size() : writers.size() - 1);
        const uint16_t id = writers[writer];
        XenstoreDomainInterface& page = world_.page(id);
        switch (r.what % 16) {
            case 0:  // indices
                (r.number % 4 == 0   ? page.req_prod
                 : r.number % 4 == 1 ? page.req_cons
                 : r.number % 4 == 2 ? page.rsp_prod
                                     : page.rsp_cons) += r.number / 4;
                break;
            case 1:
                page.connection = r.number;
                break;
            case 2:  // bytes as they are
                push(page, r.bytes);
                break;
            case 3:  // the domain ends, or comes back
                if (id != control_id) {
                    server_.remove_domain(hv::DomainId{id});
                    connect(id);
                }
                break;
            case 4:
                server_.shut_down(hv::DomainId{id});
                break;
            case 5:  // reads nothing for a while
                is_deaf_[writer] = (r.number & 1) != 0;
                break;
            default:
                send(page, r);
        }
        server_.serve_all();
        server_.serve_all();
        if (++steps_ % 8 == 0) {  // it costs more than the steps
            audit();
        }
        drain();
        if (r.what >= 0xf0) {
            witness();
        }
    }

    // Nobody else can see or change what the witness has, nor keep it from being served.
    void witness() {
        if (!has_witness_) {
            return;
        }
        const std::string value = std::to_string(turn_++);
        ASSERT(ask(XsType::XS_WRITE, std::string{"/witness/x"} + '\0' + value) ==
               (std::string{"OK"} + '\0'));
        ASSERT(ask(XsType::XS_READ, std::string{"/witness/x"} + '\0') == value);
    }

  private:
    void connect(uint16_t id) {
        world_.page(id) = {};
        if (server_.add_domain(hv::DomainId{id}).ok()) {
            ASSERT(server_.connect(hv::DomainId{id}, world_.page(id)).ok());
        }
    }
    void audit() {
        const Audit audit = audit_server(server_);
        if (!audit.is_sound()) {
            hv::panic(__FILE__, __LINE__, std::string{audit.fault}.c_str());
        }
    }
    static void push(XenstoreDomainInterface& page, std::span<const std::byte> bytes) {
        for (const std::byte b : bytes) {
            if (page.req_prod - page.req_cons >= ring_size) {
                return;
            }
            page.req[page.req_prod++ % ring_size] = static_cast<char>(b);
        }
    }
    // A well-formed header; the type and the transaction from the record.
    static void send(XenstoreDomainInterface& page, const Record& r) {
        const XsdSockmsg header{.type = r.number % 32U,
                                .req_id = r.number,
                                .tx_id = r.number / 32U % 8U,
                                .len = r.length};
        push(page, std::as_bytes(std::span{&header, 1}));
        push(page, r.bytes);
    }
    void drain() {
        for (size_t i = 0; i < writers.size(); ++i) {
            if (!is_deaf_[i]) {
                world_.page(writers[i]).rsp_cons = world_.page(writers[i]).rsp_prod;
            }
        }
    }
    std::string ask(XsType type, const std::string& payload) {
        XenstoreDomainInterface& page = world_.page(witness_id);
        const XsdSockmsg header{.type = static_cast<uint32_t>(type),
                                .req_id = ++turn_,
                                .len = static_cast<uint32_t>(payload.size())};
        push(page, std::as_bytes(std::span{&header, 1}));
        push(page, std::as_bytes(std::span{payload}));
        server_.serve_all();
        XsdSockmsg reply{};
        ASSERT(page.rsp_prod - page.rsp_cons >= sizeof(reply));
        std::string bytes;
        while (page.rsp_cons != page.rsp_prod) {
            bytes += page.rsp[page.rsp_cons++ % ring_size];
        }
        memcpy(&reply, bytes.data(), sizeof(reply));
        ASSERT(reply.req_id == header.req_id && bytes.size() == sizeof(reply) + reply.len);
        return bytes.substr(sizeof(reply));
    }

    const bool has_control_;
    bool has_witness_ = false;
    uint32_t turn_ = 0;
    uint32_t steps_ = 0;
    std::array<bool, writers.size()> is_deaf_{};
    const Config config_ = small_config();
    World world_;
    std::unique_ptr<std::byte[]> memory_;
    Server& server_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    hv::Reader input{std::as_bytes(std::span{data, size})};
    auto tree_size = input.read_le<uint16_t>();
    if (!tree_size.ok()) {
        return 0;
    }
    const uint16_t first = tree_size.take();
    auto module = input.take(first & 0x7fff);
    if (!module.ok()) {
        return 0;
    }
    Fuzz fuzz{(first & 0x8000) != 0};
    fuzz.load(module.value());
    Record r{};
    while (read_record(input, r)) {
        fuzz.act(r);
    }
    return 0;
}
