// SPDX-License-Identifier: Apache-2.0
// Watches: what fires them, who hears of it, and clients that do not listen.
#include "tests/unit/domb/xenstore/client.hpp"

namespace xenstore::test {
namespace {

class WatchRequests : public ServerTest {
  protected:
    void SetUp() override {
        make_home(1);
        make_home(2);
        EXPECT_EQ(mkdir(0, "/d"), "OK|");
        EXPECT_EQ(set_perms(0, "/d", "b0|"), "OK|");
    }
};

TEST_F(WatchRequests, a_new_watch_fires_once_after_its_reply) {
    EXPECT_EQ(watch(1, "/d/none", "token"), "OK|");
    EXPECT_EQ(events(1), "/d/none|token|");
    EXPECT_EQ(events(1), "");
}

TEST_F(WatchRequests, changes_of_the_path_and_below_fire) {
    EXPECT_EQ(watch(1, "/d", "t"), "OK|");
    events(1);
    EXPECT_EQ(write(2, "/d/a", "x"), "OK|");
    EXPECT_EQ(events(1), "/d/a|t|");
    EXPECT_EQ(write(2, "/d/a", "x"), "OK|");
    EXPECT_EQ(events(1), "/d/a|t|");
    EXPECT_EQ(mkdir(2, "/d/b/c"), "OK|");
    EXPECT_EQ(events(1), "/d/b/c|t|");
    EXPECT_EQ(mkdir(2, "/d/b/c"), "OK|");
    EXPECT_EQ(events(1), "");
    EXPECT_EQ(set_perms(2, "/d/a", "b2|"), "OK|");
    EXPECT_EQ(events(1), "/d/a|t|");
    EXPECT_EQ(rm(2, "/d/b"), "OK|");
    EXPECT_EQ(events(1), "/d/b|t|");
    EXPECT_EQ(rm(2, "/d/b"), "OK|");
    EXPECT_EQ(events(1), "");
    EXPECT_EQ(write(0, "/dd", "x"), "OK|");
    EXPECT_EQ(events(1), "");
}

TEST_F(WatchRequests, the_root_watches_everything) {
    EXPECT_EQ(watch(0, "/", "r"), "OK|");
    EXPECT_EQ(events(0), "/|r|");
    EXPECT_EQ(write(2, "/d/a", "x"), "OK|");
    EXPECT_EQ(events(0), "/d/a|r|");
    EXPECT_EQ(write(0, "/", "x"), "OK|");
    EXPECT_EQ(events(0), "/|r|");
}

TEST_F(WatchRequests, removal_above_fires_with_the_watched_path) {
    EXPECT_EQ(write(2, "/d/a/b/c", "x"), "OK|");
    EXPECT_EQ(watch(1, "/d/a/b", "b"), "OK|");
    EXPECT_EQ(watch(1, "/d/a/b/c", "c"), "OK|");
    EXPECT_EQ(watch(1, "/d/a/b/none", "none"), "OK|");
    events(1);
    EXPECT_EQ(rm(2, "/d/a"), "OK|");
    EXPECT_EQ(events(1), "/d/a/b|b| /d/a/b/c|c|");
}

TEST_F(WatchRequests, relative_watches_get_relative_events) {
    EXPECT_EQ(watch(1, "device", "rel"), "OK|");
    EXPECT_EQ(events(1), "device|rel|");
    EXPECT_EQ(write(1, "device/vif/0/state", "1"), "OK|");
    EXPECT_EQ(events(1), "device/vif/0/state|rel|");
    EXPECT_EQ(watch(1, "/local/domain/1/device", "rel"), "OK|");  // not the same watch
    EXPECT_EQ(events(1), "/local/domain/1/device|rel|");
    EXPECT_EQ(unwatch(1, "device", "rel"), "OK|");
    EXPECT_EQ(write(1, "device/x", "1"), "OK|");
    EXPECT_EQ(events(1), "/local/domain/1/device/x|rel|");
}

TEST_F(WatchRequests, depth_limits_how_far_below_is_heard) {
    EXPECT_EQ(ask(1, XsType::XS_WATCH, "/d|zero|0|"), "OK|");
    EXPECT_EQ(ask(1, XsType::XS_WATCH, "/d|one|1|"), "OK|");
    EXPECT_EQ(ask(1, XsType::XS_WATCH, "/d|all||"), "OK|");
    EXPECT_EQ(ask(1, XsType::XS_WATCH, "/d|bad|x|"), "EINVAL");
    events(1);
    EXPECT_EQ(write(2, "/d/a/b", "x"), "OK|");
    EXPECT_EQ(events(1), "/d/a/b|all|");
    EXPECT_EQ(write(2, "/d/a", "x"), "OK|");
    EXPECT_EQ(events(1), "/d/a|all| /d/a|one|");
}

TEST_F(WatchRequests, the_same_watch_twice_is_eexist_and_unwatch_needs_one) {
    EXPECT_EQ(watch(1, "/d", "t"), "OK|");
    EXPECT_EQ(watch(1, "/d", "t"), "EEXIST");
    EXPECT_EQ(watch(1, "/d", "u"), "OK|");
    EXPECT_EQ(watch(2, "/d", "t"), "OK|");
    EXPECT_EQ(unwatch(1, "/d", "v"), "ENOENT");
    EXPECT_EQ(unwatch(1, "/e", "t"), "ENOENT");
    EXPECT_EQ(unwatch(1, "/d", "t"), "OK|");
    EXPECT_EQ(unwatch(1, "/d", "t"), "ENOENT");
    events(1), events(2);
    EXPECT_EQ(write(0, "/d/x", ""), "OK|");
    EXPECT_EQ(events(1), "/d/x|u|");
    EXPECT_EQ(events(2), "/d/x|t|");
    EXPECT_EQ(ask(1, XsType::XS_RESET_WATCHES, "|"), "OK|");
    EXPECT_EQ(write(0, "/d/x", ""), "OK|");
    EXPECT_EQ(events(1), "");
    EXPECT_EQ(events(2), "/d/x|t|");
}

TEST_F(WatchRequests, malformed_watches_are_einval) {
    for (const char* bad : {"", "/d", "/d|", "/d|t", "d/|t|", "|t|", "@@ |t|", "@|t|x"}) {
        EXPECT_EQ(ask(1, XsType::XS_WATCH, bad), "EINVAL") << bad;
    }
    EXPECT_EQ(ask(1, XsType::XS_WATCH, "/d|" + std::string(max_token_size + 1, 't') + "|"),
              "EINVAL");
    EXPECT_EQ(ask(1, XsType::XS_WATCH, "/d|" + std::string(max_token_size, 't') + "|"), "OK|");
    const std::string longest = "/" + std::string(3071, 'w');
    EXPECT_EQ(ask(1, XsType::XS_WATCH, longest + "|" + std::string(max_token_size, 't') + "|"),
              "OK|");
    EXPECT_EQ(events(1).size(), (2 + 1 + max_token_size + 1) + 1 + 4096U);
}

TEST_F(WatchRequests, nobody_hears_of_what_it_may_not_read) {
    EXPECT_EQ(write(0, "/d/secret", "x"), "OK|");
    EXPECT_EQ(set_perms(0, "/d", "n0|"), "OK|");
    EXPECT_EQ(set_perms(0, "/d/secret", "n0|r2|"), "OK|");
    EXPECT_EQ(watch(1, "/d", "t"), "OK|");
    EXPECT_EQ(watch(2, "/d", "t"), "OK|");
    events(1), events(2);
    EXPECT_EQ(write(0, "/d/secret", "y"), "OK|");
    EXPECT_EQ(events(1), "");
    EXPECT_EQ(events(2), "/d/secret|t|");
    EXPECT_EQ(write(0, "/d/other", "y"), "OK|");
    EXPECT_EQ(events(2), "");
    EXPECT_EQ(set_perms(0, "/d/secret", "n0|"), "OK|");  // the last it hears
    EXPECT_EQ(events(2), "/d/secret|t|");
    EXPECT_EQ(rm(0, "/d/secret"), "OK|");
    EXPECT_EQ(events(2), "");
    EXPECT_EQ(events(1), "");
}

TEST_F(WatchRequests, a_deletion_is_heard_by_who_could_read_the_node_or_its_parent) {
    EXPECT_EQ(write(0, "/d/x", ""), "OK|");
    EXPECT_EQ(set_perms(0, "/d/x", "n0|"), "OK|");
    EXPECT_EQ(watch(1, "/d/x", "t"), "OK|");
    events(1);
    EXPECT_EQ(rm(0, "/d/x"), "OK|");
    EXPECT_EQ(events(1), "/d/x|t|");
}

TEST_F(WatchRequests, special_watches_are_for_those_who_may) {
    EXPECT_EQ(watch(0, "@introduceDomain", "i"), "OK|");
    EXPECT_EQ(watch(0, "@releaseDomain", "r"), "OK|");
    EXPECT_EQ(watch(1, "@introduceDomain", "i"), "OK|");
    EXPECT_EQ(watch(1, "@releaseDomain", "r"), "OK|");
    EXPECT_EQ(ask(0, XsType::XS_WATCH, "@releaseDomain|d|1|"), "OK|");
    EXPECT_EQ(watch(0, "@releaseDomain/5", "five"), "OK|");
    events(0), events(1);
    guest(5);
    EXPECT_EQ(events(0), "@introduceDomain|i|");
    EXPECT_EQ(events(1), "");
    server.shut_down(hv::DomainId{5});
    EXPECT_EQ(events(0), "@releaseDomain/5|d| @releaseDomain|r| @releaseDomain/5|five|");
    server.shut_down(hv::DomainId{5});
    EXPECT_EQ(events(0), "");
    EXPECT_EQ(ask(0, XsType::XS_RESUME, "5|"), "OK|");
    server.shut_down(hv::DomainId{5});
    EXPECT_EQ(events(0), "@releaseDomain/5|d| @releaseDomain|r| @releaseDomain/5|five|");
    EXPECT_EQ(set_perms(1, "@releaseDomain", "n0|r1|"), "EACCES");
    EXPECT_EQ(get_perms(1, "@releaseDomain"), "EACCES");
    EXPECT_EQ(set_perms(0, "@releaseDomain", "n0|r1|"), "OK|");
    EXPECT_EQ(get_perms(1, "@releaseDomain"), "n0|r1|");
    guests.erase(5);
    server.remove_domain(hv::DomainId{5});
    EXPECT_EQ(events(1), "@releaseDomain|r|");
    EXPECT_EQ(get_perms(0, "@introduceDomain"), "n0|");
}

TEST_F(WatchRequests, who_does_not_read_loses_events_but_no_news_and_stalls_nobody) {
    Guest& deaf = guest(1);
    EXPECT_EQ(watch(1, "/d", "t"), "OK|");
    EXPECT_EQ(watch(1, "/d/x5", "five"), "OK|");
    events(1);
    std::map<uint16_t, Guest> silent;
    silent.insert(guests.extract(1));  // settle() does not drain it any more
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 400; ++i) {
            ASSERT_EQ(write(2, "/d/x" + std::to_string(i), "v"), "OK|");
        }
    }
    const AccountId account = server.memory().accounts.of(hv::DomainId{1});
    EXPECT_EQ(server.memory().accounts[account].usage.events, 256U);
    expect_sound();
    guests.insert(silent.extract(1));
    EXPECT_EQ(&deaf, &guests.at(1));
    const std::string heard = events(1);
    EXPECT_NE(heard.find("/d/x5|five|"), std::string::npos);
    EXPECT_NE(heard.find("/d/x200|t|"), std::string::npos);
    EXPECT_EQ(heard.find("/d/x399|t|"), std::string::npos);
    EXPECT_TRUE(heard.ends_with(" /d|t|"));  // look again
    EXPECT_EQ(write(2, "/d/x399", "v"), "OK|");
    EXPECT_EQ(events(1), "/d/x399|t|");
}

TEST_F(WatchRequests, a_watch_that_lost_an_event_gets_none_until_it_has_looked_again) {
    EXPECT_EQ(watch(1, "/d", "t"), "OK|");
    events(1);
    std::map<uint16_t, Guest> silent;
    silent.insert(guests.extract(1));
    for (int i = 0; i < 400; ++i) {
        ASSERT_EQ(write(2, "/d/x" + std::to_string(i), "v"), "OK|");
    }
    silent.at(1).drain();
    while (server.serve_all()) {
    }
    const AccountId account = server.memory().accounts.of(hv::DomainId{1});
    const uint32_t waiting = server.memory().accounts[account].usage.events;
    EXPECT_LT(waiting, 256U);  // there is room again
    EXPECT_EQ(write(2, "/d/late", "v"), "OK|");
    EXPECT_EQ(server.memory().accounts[account].usage.events, waiting);
    guests.insert(silent.extract(1));
    const std::string heard = events(1);
    EXPECT_EQ(heard.find("/d/late"), std::string::npos);
    EXPECT_TRUE(heard.ends_with(" /d|t|"));
}

TEST_F(WatchRequests, unwatch_drops_the_events_that_wait) {
    EXPECT_EQ(watch(1, "/d", "a"), "OK|");
    EXPECT_EQ(watch(1, "/d", "b"), "OK|");
    events(1);
    std::map<uint16_t, Guest> silent;
    silent.insert(guests.extract(1));
    for (int i = 0; i < 100; ++i) {
        ASSERT_EQ(write(2, "/d/n" + std::to_string(i), ""), "OK|");
    }
    guests.insert(silent.extract(1));
    EXPECT_EQ(unwatch(1, "/d", "a"), "OK|");
    expect_sound();
    const std::string heard = events(1);
    EXPECT_NE(heard.find("/d/n0|a|"), std::string::npos);
    EXPECT_EQ(heard.find("/d/n99|a|"), std::string::npos);
    EXPECT_NE(heard.find("/d/n99|b|"), std::string::npos);
}

TEST_F(WatchRequests, ten_thousand_watches) {
    for (int i = 0; i < 10000; ++i) {
        ASSERT_EQ(watch(0, "/d/w" + std::to_string(i % 100), std::to_string(i)), "OK|");
    }
    events(0);
    EXPECT_EQ(write(1, "/d/w42", "x"), "OK|");
    EXPECT_EQ(guest(0).events.size(), 100U);
    events(0);
    EXPECT_EQ(write(1, "/d/none", "x"), "OK|");
    EXPECT_EQ(events(0), "");
    expect_sound();
    EXPECT_EQ(unwatch(0, "/d/w42", "5042"), "OK|");
    EXPECT_EQ(ask(0, XsType::XS_RESET_WATCHES, "|"), "OK|");
    EXPECT_EQ(server.memory().accounts[system_account].usage.watches, 0U);
}

TEST_F(WatchRequests, an_ordinary_client_has_as_many_as_its_quota_says) {
    for (int i = 0; i < 128; ++i) {
        ASSERT_EQ(watch(1, "/d", std::to_string(i)), "OK|");
    }
    EXPECT_EQ(watch(1, "/d", "more"), "E2BIG");
    EXPECT_EQ(watch(2, "/d", "mine"), "OK|");
    EXPECT_EQ(unwatch(1, "/d", "7"), "OK|");
    EXPECT_EQ(watch(1, "/d", "more"), "OK|");
}

}  // namespace
}  // namespace xenstore::test
