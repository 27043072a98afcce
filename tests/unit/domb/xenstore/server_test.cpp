// SPDX-License-Identifier: Apache-2.0
// Who is privileged, domains that come and go, rings and what hostile guests do with them, quotas.
#include "tests/unit/domb/xenstore/client.hpp"

namespace xenstore::test {
namespace {

using ServerRequests = ServerTest;

TEST_F(ServerRequests, ordinary_clients_may_not_manage) {
    guest(1);
    for (const XsType type : {XsType::XS_CONTROL, XsType::XS_INTRODUCE, XsType::XS_RELEASE,
                              XsType::XS_IS_DOMAIN_INTRODUCED, XsType::XS_RESUME,
                              XsType::XS_SET_TARGET, XsType::XS_GET_FEATURE, XsType::XS_SET_FEATURE,
                              XsType::XS_GET_QUOTA, XsType::XS_SET_QUOTA}) {
        EXPECT_EQ(ask(1, type, "1|1|1|"), "EACCES") << static_cast<uint32_t>(type);
        EXPECT_EQ(ask(1, type, ""), "EACCES") << static_cast<uint32_t>(type);
    }
}

TEST_F(ServerRequests, the_path_of_a_domain_is_known_to_all) {
    EXPECT_EQ(ask(1, XsType::XS_GET_DOMAIN_PATH, "7|"), "/local/domain/7|");
    EXPECT_EQ(ask(1, XsType::XS_GET_DOMAIN_PATH, "007|"), "/local/domain/7|");
    EXPECT_EQ(ask(1, XsType::XS_GET_DOMAIN_PATH, "65536|"), "EINVAL");
    EXPECT_EQ(ask(1, XsType::XS_GET_DOMAIN_PATH, "x|"), "EINVAL");
    EXPECT_EQ(ask(1, XsType::XS_GET_DOMAIN_PATH, "7|8|"), "EINVAL");
    EXPECT_EQ(ask(1, XsType::XS_GET_DOMAIN_PATH, ""), "EINVAL");
}

TEST_F(ServerRequests, introduce_connects_a_ring_and_release_ends_it) {
    Guest nine{9};
    outside.pages[77] = nine.page.get();
    EXPECT_EQ(ask(0, XsType::XS_IS_DOMAIN_INTRODUCED, "9|"), "F|");
    EXPECT_EQ(ask(0, XsType::XS_INTRODUCE, "9|78|5|"), "EINVAL");  // no such page
    EXPECT_EQ(ask(0, XsType::XS_INTRODUCE, "9|77|0|"), "EINVAL");  // no such channel
    EXPECT_EQ(ask(0, XsType::XS_IS_DOMAIN_INTRODUCED, "9|"), "F|");
    EXPECT_EQ(ask(0, XsType::XS_INTRODUCE, "9|77|5||"), "OK|");
    EXPECT_EQ(ask(0, XsType::XS_IS_DOMAIN_INTRODUCED, "9|"), "T|");
    EXPECT_TRUE(outside.mapped.contains(9));
    guests.emplace(9, std::move(nine));
    EXPECT_EQ(ask(9, XsType::XS_GET_DOMAIN_PATH, "9|"), "/local/domain/9|");
    EXPECT_EQ(watch(9, "/x", "t"), "OK|");
    EXPECT_EQ(ask(0, XsType::XS_INTRODUCE, "9|77|6|"), "OK|");  // again: a new connection
    EXPECT_EQ(unwatch(9, "/x", "t"), "ENOENT");
    EXPECT_EQ(ask(0, XsType::XS_RELEASE, "9|"), "OK|");
    EXPECT_FALSE(outside.mapped.contains(9));
    EXPECT_EQ(ask(0, XsType::XS_IS_DOMAIN_INTRODUCED, "9|"), "F|");
    EXPECT_EQ(ask(0, XsType::XS_RELEASE, "9|"), "ENOENT");
    EXPECT_EQ(ask(0, XsType::XS_RESUME, "9|"), "ENOENT");
}

TEST_F(ServerRequests, management_checks_its_arguments) {
    guest(1);
    for (const char* bad : {"", "1|", "1|2|", "x|1|1|", "32752|1|1|", "0|1|1|", "70000|1|1|"}) {
        EXPECT_EQ(ask(0, XsType::XS_INTRODUCE, bad), "EINVAL") << bad;
    }
    EXPECT_EQ(ask(0, XsType::XS_RELEASE, "0|"), "EINVAL");
    EXPECT_EQ(ask(0, XsType::XS_RELEASE, "x|"), "EINVAL");
    EXPECT_EQ(ask(0, XsType::XS_IS_DOMAIN_INTRODUCED, "|"), "EINVAL");
    EXPECT_EQ(ask(0, XsType::XS_RESUME, "1|1|"), "EINVAL");
    EXPECT_EQ(ask(0, XsType::XS_SET_TARGET, "1|"), "EINVAL");
    EXPECT_EQ(ask(0, XsType::XS_SET_TARGET, "1|5|"), "ENOENT");
    EXPECT_EQ(ask(0, XsType::XS_SET_TARGET, "5|1|"), "ENOENT");
}

TEST_F(ServerRequests, features_are_in_the_ring_page) {
    EXPECT_EQ(guest(1).page->server_features, 3U);
    EXPECT_EQ(ask(0, XsType::XS_GET_FEATURE, ""), "3|");
    EXPECT_EQ(ask(0, XsType::XS_GET_FEATURE, "1|"), "3|");
    EXPECT_EQ(ask(0, XsType::XS_SET_FEATURE, "1|1|"), "OK|");
    EXPECT_EQ(guest(1).page->server_features, 1U);
    EXPECT_EQ(ask(0, XsType::XS_SET_FEATURE, "1|4|"), "EINVAL");
    EXPECT_EQ(ask(0, XsType::XS_SET_FEATURE, "5|1|"), "ENOENT");
    EXPECT_EQ(ask(0, XsType::XS_GET_FEATURE, "5|"), "ENOENT");
}

TEST_F(ServerRequests, quotas_are_read_and_set) {
    guest(1);
    EXPECT_EQ(ask(0, XsType::XS_GET_QUOTA, ""),
              "nodes watches transactions node-size node-permissions transaction-nodes events "
              "memory|");
    EXPECT_EQ(ask(0, XsType::XS_GET_QUOTA, "nodes|"), "1000|");
    EXPECT_EQ(ask(0, XsType::XS_SET_QUOTA, "1|nodes|3|"), "OK|");
    EXPECT_EQ(ask(0, XsType::XS_GET_QUOTA, "1|nodes|"), "3|");
    EXPECT_EQ(ask(0, XsType::XS_GET_QUOTA, "nodes|"), "1000|");
    EXPECT_EQ(ask(0, XsType::XS_SET_QUOTA, "watches|2|"), "OK|");
    guest(2);
    EXPECT_EQ(ask(0, XsType::XS_GET_QUOTA, "2|watches|"), "2|");
    EXPECT_EQ(ask(0, XsType::XS_GET_QUOTA, "1|watches|"), "128|");
    for (const char* bad : {"bad|", "1|bad|", "x|nodes|", "1|nodes|3|"}) {
        EXPECT_EQ(ask(0, XsType::XS_GET_QUOTA, bad), "EINVAL") << bad;
    }
    for (const char* bad : {"", "nodes|", "nodes|x|", "1|nodes|-1|", "1|bad|1|", "1|nodes|1|1|"}) {
        EXPECT_EQ(ask(0, XsType::XS_SET_QUOTA, bad), "EINVAL") << bad;
    }
    EXPECT_EQ(ask(0, XsType::XS_GET_QUOTA, "5|nodes|"), "ENOENT");
    EXPECT_EQ(ask(0, XsType::XS_SET_QUOTA, "1|memory|1000000000|"), "ENOMEM");  // promised
    EXPECT_EQ(ask(0, XsType::XS_SET_QUOTA, "1|memory|65536|"), "OK|");
}

TEST_F(ServerRequests, control_does_what_is_harmless) {
    EXPECT_EQ(ask(0, XsType::XS_CONTROL, "help|"), "check help memreport print|");
    EXPECT_EQ(ask(0, XsType::XS_CONTROL, "check|"), "OK|");
    EXPECT_EQ(ask(0, XsType::XS_CONTROL, "print|hello|"), "OK|");
    EXPECT_EQ(outside.printed, std::vector<std::string>{"hello"});
    EXPECT_TRUE(ask(0, XsType::XS_CONTROL, "memreport|").starts_with("blocks "));
    for (const char* bad : {"", "check", "live-update|", "logfile|/x|", "print|", "check|x|"}) {
        EXPECT_EQ(ask(0, XsType::XS_CONTROL, bad), "EINVAL") << bad;
    }
}

TEST_F(ServerRequests, one_client_at_its_limits_leaves_the_others_theirs) {
    make_home(1);
    make_home(2);
    // Nodes.
    std::string answer;
    int made = 0;
    for (; answer.empty() || answer == "OK|"; ++made) {
        answer = mkdir(1, "n" + std::to_string(made));
    }
    EXPECT_EQ(answer, "ENOSPC");
    EXPECT_EQ(made, 1000);  // its home is the first node it owns
    EXPECT_EQ(write(1, "n5", std::string(2049, 'x')), "ENOSPC");
    // Memory.
    for (int i = 0; i < 1000 && answer != "ENOMEM"; ++i) {
        answer = write(1, "n" + std::to_string(i), std::string(2048, 'x'));
    }
    EXPECT_EQ(answer, "ENOMEM");
    while (watch(1, "/w", "t" + std::to_string(made++)) == "OK|") {
    }
    EXPECT_EQ(ask(1, XsType::XS_TRANSACTION_START, "|"), "ENOMEM");
    expect_sound();
    EXPECT_EQ(ask(0, XsType::XS_CONTROL, "check|"), "OK|");
    // Others have what they were promised.
    for (int i = 0; i < 200; ++i) {
        ASSERT_EQ(write(2, "n" + std::to_string(i), std::string(2000, 'y')), "OK|");
    }
    EXPECT_EQ(read(2, "n199"), std::string(2000, 'y'));
    EXPECT_EQ(write(0, "/tool", "z"), "OK|");
    // And it recovers by itself.
    EXPECT_EQ(write(1, "n0", "short"), "OK|");
    EXPECT_EQ(rm(1, "n1"), "OK|");
    EXPECT_EQ(write(1, "n0", std::string(2000, 'x')), "OK|");
}

TEST_F(ServerRequests, no_more_domains_are_added_than_there_is_memory_for) {
    for (uint16_t id = 1; id < 8; ++id) {
        guest(id);
    }
    EXPECT_FALSE(server.add_domain(hv::DomainId{1}).ok());
    guest(0);
    EXPECT_EQ(server.add_domain(hv::DomainId{8}).error(), Error::NoSpace);
    guests.erase(3);
    server.remove_domain(hv::DomainId{3});
    EXPECT_TRUE(server.add_domain(hv::DomainId{8}).ok());
}

TEST_F(ServerRequests, nodes_of_a_domain_that_comes_later_become_its_own) {
    EXPECT_EQ(write(0, "/d/a", "x"), "OK|");
    EXPECT_EQ(set_perms(0, "/d", "n4|"), "OK|");
    expect_sound();
    guest(4);
    expect_sound();
    EXPECT_EQ(server.memory().accounts[server.memory().accounts.of(hv::DomainId{4})].usage.nodes,
              1U);
    EXPECT_EQ(mkdir(4, "/d/b"), "OK|");
}

class Rings : public ServerTest {
  protected:
    hv::abi::XenstoreDomainInterface& page() { return *guest(1).page; }
};

TEST_F(Rings, a_message_may_come_in_any_pieces) {
    make_home(1);
    const std::string bytes = encode(XsType::XS_WRITE, nul("x|") + std::string(1500, 'v'), 0, 9);
    for (const char c : bytes) {
        ASSERT_EQ(guest(1).push({&c, 1}), 1U);
        server.serve_all();
    }
    settle();
    ASSERT_EQ(guest(1).replies.size(), 1U);
    EXPECT_EQ(guest(1).replies[0].header.req_id, 9U);
    guest(1).replies.clear();
    EXPECT_EQ(read(1, "x"), std::string(1500, 'v'));
}

TEST_F(Rings, requests_that_are_piled_up_are_answered_in_order) {
    make_home(1);
    for (uint32_t i = 0; i < 20; ++i) {
        guest(1).push(encode(XsType::XS_WRITE, nul("x|") + std::to_string(i), 0, 100 + i));
    }
    settle();
    ASSERT_EQ(guest(1).replies.size(), 20U);
    for (uint32_t i = 0; i < 20; ++i) {
        EXPECT_EQ(guest(1).replies[i].header.req_id, 100 + i);
    }
    guest(1).replies.clear();
    EXPECT_EQ(read(1, "x"), "19");
}

TEST_F(Rings, who_does_not_read_replies_is_not_served_further) {
    make_home(1);
    EXPECT_EQ(write(1, "x", std::string(2000, 'v')), "OK|");
    std::map<uint16_t, Guest> silent;
    silent.insert(guests.extract(1));
    Guest& g = silent.at(1);
    for (int i = 0; i < 5; ++i) {
        g.push(encode(XsType::XS_READ, nul("x|")));
    }
    settle();
    EXPECT_EQ(g.page->rsp_prod - g.page->rsp_cons, 1024U);
    EXPECT_NE(g.page->req_prod, g.page->req_cons);
    EXPECT_EQ(write(2, "/x", ""), "EACCES");  // others go on
    guests.insert(silent.extract(1));
    settle();
    EXPECT_EQ(guest(1).replies.size(), 5U);
}

TEST_F(Rings, indices_may_wrap) {
    page();
    settle();
    page().req_cons = page().req_prod = 0xfffffff0;
    page().rsp_cons = page().rsp_prod = 0xfffffffa;
    EXPECT_EQ(ask(1, XsType::XS_GET_DOMAIN_PATH, "1|"), "/local/domain/1|");
    EXPECT_LT(page().req_cons, 100U);
}

TEST_F(Rings, firmware_may_clear_the_page_between_messages) {
    EXPECT_EQ(ask(1, XsType::XS_GET_DOMAIN_PATH, "1|"), "/local/domain/1|");
    memset(guest(1).page.get(), 0, offsetof(hv::abi::XenstoreDomainInterface, server_features));
    EXPECT_EQ(ask(1, XsType::XS_GET_DOMAIN_PATH, "1|"), "/local/domain/1|");
}

TEST_F(Rings, impossible_indices_stop_the_connection_with_an_error) {
    make_home(1);
    for (const uint32_t ahead : {1025U, 4096U, 0x80000000U, 0xffffffffU}) {
        EXPECT_EQ(watch(1, "/w", "t"), "OK|");
        start(1);
        page().req_prod = page().req_cons + ahead;
        settle();
        EXPECT_EQ(page().error, hv::abi::XENSTORE_ERROR_RINGIDX);
        EXPECT_EQ(server.memory().accounts[AccountId{1}].usage.watches, 0U);
        EXPECT_EQ(server.memory().accounts[AccountId{1}].usage.transactions, 0U);
        page().req_prod = page().req_cons;
        guest(1).push(encode(XsType::XS_GET_DOMAIN_PATH, nul("1|")));
        settle();
        EXPECT_TRUE(guest(1).replies.empty());  // stopped
        guest(1).events.clear();
        page().connection = hv::abi::XENSTORE_RECONNECT;
        settle();
        EXPECT_EQ(page().connection, hv::abi::XENSTORE_CONNECTED);
        EXPECT_EQ(page().error, hv::abi::XENSTORE_ERROR_NONE);
        EXPECT_EQ(ask(1, XsType::XS_GET_DOMAIN_PATH, "1|"), "/local/domain/1|");
    }
    page().rsp_cons = page().rsp_prod + 1;
    guest(1).push(encode(XsType::XS_GET_DOMAIN_PATH, nul("1|")));
    server.serve_all();
    EXPECT_EQ(page().error, hv::abi::XENSTORE_ERROR_RINGIDX);
    guests.at(1).page->rsp_cons = guests.at(1).page->rsp_prod;
}

TEST_F(Rings, a_payload_that_is_too_long_stops_the_connection) {
    for (const uint32_t size : {4097U, 0x7fffffffU, 0xffffffffU}) {
        std::string header = encode(XsType::XS_WRITE, "");
        memcpy(header.data() + offsetof(hv::abi::XsdSockmsg, len), &size, sizeof(size));
        guest(1).push(header);
        settle();
        EXPECT_EQ(page().error, hv::abi::XENSTORE_ERROR_PROTO);
        page().connection = hv::abi::XENSTORE_RECONNECT;
        settle();
    }
    EXPECT_EQ(ask(1, XsType::XS_GET_DOMAIN_PATH, "1|"), "/local/domain/1|");
    const std::string longest(4096, 'x');
    EXPECT_EQ(exchange(1, XsType::XS_WRITE, longest).type(), XsType::XS_ERROR);
}

TEST_F(Rings, a_reconnect_drops_what_is_half_done) {
    make_home(1);
    EXPECT_EQ(write(1, "x", "kept"), "OK|");
    EXPECT_EQ(watch(1, "x", "t"), "OK|");
    const uint32_t tx = start(1);
    EXPECT_EQ(write(1, "x", "lost", tx), "OK|");
    guest(1).push(encode(XsType::XS_WRITE, nul("x|half")).substr(0, 19));
    settle();
    page().connection = hv::abi::XENSTORE_RECONNECT;
    const unsigned before = outside.notified[1];
    settle();
    EXPECT_GT(outside.notified[1], before);
    EXPECT_EQ(page().connection, hv::abi::XENSTORE_CONNECTED);
    EXPECT_EQ(page().req_prod, page().req_cons);
    guest(1).events.clear();
    EXPECT_EQ(read(1, "x"), "kept");
    EXPECT_EQ(end(1, tx), "ENOENT");
    EXPECT_EQ(unwatch(1, "x", "t"), "ENOENT");
}

TEST_F(Rings, a_page_that_reads_as_all_ones_does_nothing) {
    page();
    memset(guest(1).page.get(), 0xff, sizeof(page()));
    for (int i = 0; i < 10; ++i) {
        EXPECT_FALSE(server.serve(0));
    }
    guest(1).page->rsp_cons = guest(1).page->rsp_prod;
    server.remove_domain(hv::DomainId{1});
}

}  // namespace
}  // namespace xenstore::test
