// SPDX-License-Identifier: Apache-2.0
// A server with clients whose rings are pages of ours, each driven by a well-behaved guest. Every
// test that ends leaves a server whose books are right.
#pragma once

#include "domb/services/xenstore/audit.hpp"
#include "domb/services/xenstore/server.hpp"

#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace xenstore::test {

using hv::abi::XsType;

// "a|b|" with '|' for NUL, as the protocol's document writes payloads.
inline std::string nul(std::string text) {
    for (char& c : text) {
        c = c == '|' ? '\0' : c;
    }
    return text;
}
inline std::string unnul(std::string text) {
    for (char& c : text) {
        c = c == '\0' ? '|' : c;
    }
    return text;
}

struct Message {
    hv::abi::XsdSockmsg header{};
    std::string payload;
    [[nodiscard]] XsType type() const { return static_cast<XsType>(header.type); }
};

class FakeOutside final : public Outside {
  public:
    Result<hv::abi::XenstoreDomainInterface*> map_ring(hv::DomainId domain, uint64_t gfn,
                                                       uint32_t port) override {
        const auto page = pages.find(gfn);
        if (page == pages.end() || port == 0) {
            return hv::Err{Error::Invalid};
        }
        mapped.insert(domain.value());
        return page->second;
    }
    void unmap_ring(hv::DomainId domain) override { mapped.erase(domain.value()); }
    void notify(hv::DomainId domain) override { ++notified[domain.value()]; }
    void print(std::string_view line) override { printed.emplace_back(line); }

    std::map<uint64_t, hv::abi::XenstoreDomainInterface*> pages;  // what map_ring finds, by gfn
    std::set<uint16_t> mapped;
    std::map<uint16_t, unsigned> notified;
    std::vector<std::string> printed;
};

// The guest's end of a ring.
class Guest {
  public:
    explicit Guest(uint16_t id) : domain{id} {}

    // As much as there is room for; the number of bytes.
    size_t push(std::string_view bytes) {
        size_t pushed = 0;
        while (pushed < bytes.size() &&
               page->req_prod - page->req_cons < hv::abi::XENSTORE_RING_SIZE) {
            page->req[page->req_prod++ % hv::abi::XENSTORE_RING_SIZE] = bytes[pushed++];
        }
        return pushed;
    }
    // Takes what is in the ring, and splits it into messages.
    void drain() {
        while (page->rsp_cons != page->rsp_prod) {
            received += page->rsp[page->rsp_cons++ % hv::abi::XENSTORE_RING_SIZE];
        }
        Message message;
        while (received.size() >= sizeof(message.header)) {
            memcpy(&message.header, received.data(), sizeof(message.header));
            const size_t size = sizeof(message.header) + message.header.len;
            if (received.size() < size) {
                break;
            }
            message.payload = received.substr(sizeof(message.header), message.header.len);
            received.erase(0, size);
            (message.type() == XsType::XS_WATCH_EVENT ? events : replies).push_back(message);
        }
    }

    hv::DomainId domain;
    std::unique_ptr<hv::abi::XenstoreDomainInterface> page =
        std::make_unique<hv::abi::XenstoreDomainInterface>();
    std::string received;
    std::deque<Message> replies;
    std::deque<Message> events;
    uint32_t next_req_id = 1;
};

inline std::string encode(XsType type, const std::string& payload, uint32_t tx_id = 0,
                          uint32_t req_id = 0) {
    const hv::abi::XsdSockmsg header{.type = static_cast<uint32_t>(type),
                                     .req_id = req_id,
                                     .tx_id = tx_id,
                                     .len = static_cast<uint32_t>(payload.size())};
    std::string bytes(sizeof(header), '\0');
    memcpy(bytes.data(), &header, sizeof(header));
    return bytes + payload;
}

inline Config small_config() {
    Config config;
    config.quota.memory = 512 * 1024;
    config.system_memory = 4 << 20;
    config.clients = 8;
    config.control = hv::DomainId{0};
    return config;
}

class ServerTest : public testing::Test {
  protected:
    explicit ServerTest(const Config& config = small_config())
        : memory_(Server::memory_needed(config)), server{Server::start(memory_, config, outside)} {}
    void TearDown() override { expect_sound(); }

    void expect_sound() {
        const Audit audit = audit_server(server);
        EXPECT_TRUE(audit.is_sound()) << audit.fault;
    }

    Guest& guest(uint16_t id) {
        const auto found = guests.find(id);
        if (found != guests.end()) {
            return found->second;
        }
        Guest& made = guests.emplace(id, id).first->second;
        EXPECT_TRUE(server.add_domain(made.domain).ok());
        EXPECT_TRUE(server.connect(made.domain, *made.page).ok());
        settle();
        return made;
    }
    // Until nobody has anything to do, with every guest reading.
    void settle() {
        bool is_busy = true;
        while (is_busy) {
            is_busy = server.serve_all();
            for (auto& [id, guest] : guests) {
                const bool had = guest.page->rsp_cons != guest.page->rsp_prod;
                guest.drain();
                is_busy = is_busy || had;
            }
        }
    }
    Message exchange(uint16_t id, XsType type, const std::string& payload, uint32_t tx_id = 0) {
        Guest& g = guest(id);
        const uint32_t req_id = g.next_req_id++;
        std::string bytes = encode(type, payload, tx_id, req_id);
        while (!bytes.empty()) {
            bytes.erase(0, g.push(bytes));
            settle();
        }
        if (g.replies.size() != 1) {
            ADD_FAILURE() << g.replies.size() << " replies";
            g.replies.clear();
            return {};
        }
        const Message reply = g.replies.front();
        g.replies.pop_front();
        EXPECT_EQ(reply.header.req_id, req_id);
        EXPECT_EQ(reply.header.tx_id, tx_id);
        EXPECT_TRUE(reply.type() == type || reply.type() == XsType::XS_ERROR);
        return reply;
    }
    // The reply's payload with '|' for NUL. Errors are their names, without the NUL.
    std::string ask(uint16_t id, XsType type, const std::string& payload, uint32_t tx_id = 0) {
        const Message reply = exchange(id, type, nul(payload), tx_id);
        const std::string text = unnul(reply.payload);
        if (reply.type() == XsType::XS_ERROR) {
            EXPECT_TRUE(text.ends_with('|'));
            return text.substr(0, text.size() - 1);
        }
        return text;
    }

    std::string read(uint16_t id, const std::string& path, uint32_t tx = 0) {
        return ask(id, XsType::XS_READ, path + "|", tx);
    }
    std::string write(uint16_t id, const std::string& path, const std::string& value,
                      uint32_t tx = 0) {
        return ask(id, XsType::XS_WRITE, path + "|" + value, tx);
    }
    std::string mkdir(uint16_t id, const std::string& path, uint32_t tx = 0) {
        return ask(id, XsType::XS_MKDIR, path + "|", tx);
    }
    std::string rm(uint16_t id, const std::string& path, uint32_t tx = 0) {
        return ask(id, XsType::XS_RM, path + "|", tx);
    }
    std::string list(uint16_t id, const std::string& path, uint32_t tx = 0) {
        return ask(id, XsType::XS_DIRECTORY, path + "|", tx);
    }
    std::string get_perms(uint16_t id, const std::string& path, uint32_t tx = 0) {
        return ask(id, XsType::XS_GET_PERMS, path + "|", tx);
    }
    std::string set_perms(uint16_t id, const std::string& path, const std::string& perms,
                          uint32_t tx = 0) {
        return ask(id, XsType::XS_SET_PERMS, path + "|" + perms, tx);
    }
    std::string watch(uint16_t id, const std::string& path, const std::string& token) {
        return ask(id, XsType::XS_WATCH, path + "|" + token + "|");
    }
    std::string unwatch(uint16_t id, const std::string& path, const std::string& token) {
        return ask(id, XsType::XS_UNWATCH, path + "|" + token + "|");
    }
    uint32_t start(uint16_t id) {
        const std::string text = ask(id, XsType::XS_TRANSACTION_START, "|");
        return static_cast<uint32_t>(std::strtoul(text.c_str(), nullptr, 10));
    }
    std::string end(uint16_t id, uint32_t tx, bool commit = true) {
        return ask(id, XsType::XS_TRANSACTION_END, commit ? "T|" : "F|", tx);
    }
    // "path|token|" of each event since the last call, separated by blanks.
    std::string events(uint16_t id) {
        settle();
        std::string all;
        for (const Message& event : guest(id).events) {
            EXPECT_EQ(event.header.req_id, 0U);
            EXPECT_EQ(event.header.tx_id, 0U);
            all += (all.empty() ? "" : " ") + unnul(event.payload);
        }
        guest(id).events.clear();
        return all;
    }
    // A directory of the guest's own, as a toolstack makes it.
    void make_home(uint16_t id) {
        const std::string home = "/local/domain/" + std::to_string(id);
        guest(id);
        EXPECT_EQ(mkdir(0, home), "OK|");
        EXPECT_EQ(set_perms(0, home, "n" + std::to_string(id) + "|"), "OK|");
    }

    FakeOutside outside;
    std::vector<std::byte> memory_;
    Server& server;
    std::map<uint16_t, Guest> guests;
};

}  // namespace xenstore::test
