// SPDX-License-Identifier: Apache-2.0
// The client with the Xenstore service's own server at the other end.
#include "domb/services/xenstore_client/client.hpp"
#include "tests/unit/domb/xenstore/client.hpp"

#include <string>

#include <gtest/gtest.h>

namespace xenstore::test {
namespace {

using xenstore_client::Client;
using Kind = xenstore_client::Message::Kind;

class WithServer : public ServerTest {
  protected:
    WithServer() {
        make_home(5);
        EXPECT_TRUE(server.add_domain(hv::DomainId{7}).ok());
        EXPECT_TRUE(server.connect(hv::DomainId{7}, *page_).ok());
        EXPECT_EQ(mkdir(0, "/local/domain/7"), "OK|");
        EXPECT_EQ(set_perms(0, "/local/domain/7", "n7|r5|"), "OK|");
    }
    // The next message of this kind; those of the other kind are kept.
    std::string next(Kind kind) {
        while (true) {
            server.serve_all();
            if (const auto message = client.poll()) {
                std::string text{message->text};
                if (message->kind == Kind::Event) {
                    text += " " + std::string{message->token};
                    events_.push_back(text);
                } else {
                    replies_.push_back(message->kind == Kind::Error ? "error " + text : text);
                }
            }
            auto& list = kind == Kind::Event ? events_ : replies_;
            if (!list.empty()) {
                const std::string text = list.front();
                list.pop_front();
                return text;
            }
        }
    }

    std::unique_ptr<hv::abi::XenstoreDomainInterface> page_ =
        std::make_unique<hv::abi::XenstoreDomainInterface>();
    Client client{*page_};
    std::deque<std::string> replies_;
    std::deque<std::string> events_;
};

TEST_F(WithServer, writes_reads_lists_and_removes) {
    const std::string ok("OK\0", 3);
    ASSERT_TRUE(client.write("a/one", "1"));
    EXPECT_EQ(next(Kind::Reply), ok);
    ASSERT_TRUE(client.write("a/two", std::string(2000, '2')));
    EXPECT_EQ(next(Kind::Reply), ok);
    EXPECT_EQ(read(0, "/local/domain/7/a/one"), "1");
    ASSERT_TRUE(client.read("/local/domain/7/a/two"));
    EXPECT_EQ(next(Kind::Reply), std::string(2000, '2'));
    ASSERT_TRUE(client.directory("a"));
    EXPECT_EQ(next(Kind::Reply), std::string("one\0two\0", 8));
    ASSERT_TRUE(client.remove("a/one"));
    EXPECT_EQ(next(Kind::Reply), ok);
    ASSERT_TRUE(client.read("a/one"));
    EXPECT_EQ(next(Kind::Reply), "error ENOENT");
    ASSERT_TRUE(client.write("/local/domain/5/x", "1"));
    EXPECT_EQ(next(Kind::Reply), "error EACCES");
}

TEST_F(WithServer, a_watch_fires_until_it_is_gone) {
    const std::string ok("OK\0", 3);
    ASSERT_TRUE(client.watch("a", "token"));
    EXPECT_EQ(next(Kind::Reply), ok);
    EXPECT_EQ(next(Kind::Event), "a token");
    EXPECT_EQ(write(0, "/local/domain/7/a/b", "1"), "OK|");
    EXPECT_EQ(next(Kind::Event), "a/b token");
    ASSERT_TRUE(client.unwatch("a", "token"));
    EXPECT_EQ(next(Kind::Reply), ok);
    EXPECT_EQ(write(0, "/local/domain/7/a/b", "2"), "OK|");
    ASSERT_TRUE(client.read("a/b"));
    EXPECT_EQ(next(Kind::Reply), "2");
    EXPECT_TRUE(events_.empty());
}

}  // namespace
}  // namespace xenstore::test
