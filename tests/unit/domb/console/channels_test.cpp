// SPDX-License-Identifier: Apache-2.0
// Channels and the Xenstore service's own server, with front ends that behave and that do not.
#include "domb/services/console/channels.hpp"

#include "tests/unit/domb/xenstore/client.hpp"

#include <map>
#include <string>

#include <gtest/gtest.h>

namespace xenstore::test {
namespace {

constexpr uint16_t service = 7;

// Rings are offered by (domain, reference), and any port above 0 is.
class FakeOutside final : public console::Outside {
  public:
    std::optional<console::Link> connect(hv::DomainId domain, hv::GrantRef ring, uint32_t port,
                                         size_t index) override {
        const auto found = rings.find({domain.value(), ring.value()});
        if (found == rings.end() || port == 0) {
            return std::nullopt;
        }
        ++connected;
        return console::Link{.page = found->second, .port = port + 100, .handle = unsigned(index)};
    }
    void disconnect(const console::Link&) override { --connected; }

    std::map<std::pair<uint16_t, uint32_t>, hv::abi::XenconsInterface*> rings;
    int connected = 0;
};

class ChannelsTest : public ServerTest {
  protected:
    ChannelsTest() {
        EXPECT_TRUE(server.add_domain(hv::DomainId{service}).ok());
        EXPECT_TRUE(server.connect(hv::DomainId{service}, *page_).ok());
        EXPECT_EQ(mkdir(0, "/local/domain/7"), "OK|");
        EXPECT_EQ(set_perms(0, "/local/domain/7", "n7|"), "OK|");
        add_channel(5, 0);  // its console, which is none of theirs
    }
    static std::string front(uint16_t domain, unsigned number, const std::string& key) {
        return "/local/domain/" + std::to_string(domain) + "/device/console/" +
               std::to_string(number) + "/" + key;
    }
    static std::string back(uint16_t domain, unsigned number, const std::string& key) {
        return "/local/domain/7/backend/console/" + std::to_string(domain) + "/" +
               std::to_string(number) + "/" + key;
    }
    // As the initial tree has it.
    void add_channel(uint16_t domain, unsigned number) {
        make_home(domain);
        EXPECT_EQ(write(0, back(domain, number, "state"), "1"), "OK|");
        EXPECT_EQ(write(domain, front(domain, number, "state"), "1"), "OK|");
        EXPECT_EQ(
            set_perms(0, front(domain, number, "state"), "n" + std::to_string(domain) + "|r7|"),
            "OK|");
        for (const char* key : {"ring-ref", "port"}) {
            EXPECT_EQ(write(domain, front(domain, number, key), ""), "OK|");
            EXPECT_EQ(set_perms(domain, front(domain, number, key),
                                "n" + std::to_string(domain) + "|r7|"),
                      "OK|");
        }
    }
    // As the service's loop does.
    void run() {
        do {
            settle();
            channels.take_messages(client, outside);
        } while (channels.ask(client));
    }
    void say(uint16_t domain, const std::string& state, const std::string& reference = "8",
             const std::string& port = "4") {
        EXPECT_EQ(write(domain, front(domain, 1, "ring-ref"), reference), "OK|");
        EXPECT_EQ(write(domain, front(domain, 1, "port"), port), "OK|");
        EXPECT_EQ(write(domain, front(domain, 1, "state"), state), "OK|");
        run();
    }
    std::string state() { return read(0, back(5, 1, "state")); }

    std::unique_ptr<hv::abi::XenstoreDomainInterface> page_ =
        std::make_unique<hv::abi::XenstoreDomainInterface>();
    xenstore_client::Client client{*page_};
    FakeOutside outside;
    console::Channels channels;
    hv::abi::XenconsInterface ring{};
};

TEST_F(ChannelsTest, without_channels_there_is_nothing_to_do) {
    run();
    EXPECT_EQ(channels.all().size(), 0U);
    EXPECT_FALSE(channels.ask(client));
}

TEST_F(ChannelsTest, what_others_have_asked_is_not_ours) {
    add_channel(5, 1);
    ASSERT_TRUE(client.write("matched/5", "1"));
    EXPECT_FALSE(channels.ask(client));
    run();
    EXPECT_EQ(read(0, "/local/domain/7/matched/5"), "1");
    EXPECT_EQ(channels.all().size(), 1U);
    EXPECT_EQ(state(), "2");
}

TEST_F(ChannelsTest, a_front_end_connects_and_closes_as_linux_does) {
    add_channel(5, 1);
    outside.rings[{5, 8}] = &ring;
    run();
    ASSERT_EQ(channels.all().size(), 1U);
    console::Line& line = channels.all()[0].line();
    EXPECT_EQ(state(), "2");
    EXPECT_FALSE(line.is_attached());
    say(5, "3");
    EXPECT_EQ(state(), "4");
    EXPECT_TRUE(line.is_attached());
    EXPECT_EQ(line.port(), 104U);
    say(5, "4");
    EXPECT_EQ(state(), "4");
    EXPECT_EQ(outside.connected, 1);
    say(5, "5");
    EXPECT_EQ(state(), "5");
    EXPECT_FALSE(line.is_attached());
    EXPECT_EQ(outside.connected, 0);
    say(5, "6");
    EXPECT_EQ(state(), "6");
    say(5, "1");
    EXPECT_EQ(state(), "2");
    say(5, "3");
    EXPECT_EQ(state(), "4");
    EXPECT_EQ(outside.connected, 1);
}

TEST_F(ChannelsTest, several_domains_and_channels_are_told_apart) {
    for (const uint16_t domain : {uint16_t{5}, uint16_t{6}}) {
        add_channel(domain, 1);
        add_channel(domain, 2);
    }
    outside.rings[{6, 8}] = &ring;
    run();
    EXPECT_EQ(channels.all().size(), 4U);
    say(6, "3");
    for (console::Channel& channel : channels.all()) {
        const console::Line& line = channel.line();
        EXPECT_EQ(line.is_attached(), line.domain().value() == 6 && line.channel() == 1);
    }
}

TEST_F(ChannelsTest, what_a_front_end_does_not_offer_closes_the_channel) {
    add_channel(5, 1);
    outside.rings[{5, 8}] = &ring;
    run();
    for (const auto& [wrong_ring, port] : {std::pair{"9", "4"},
                                           {"", "4"},
                                           {"8x", "4"},
                                           {"-8", "4"},
                                           {"99999999999", "4"},
                                           {"8", "0"},
                                           {"8", ""},
                                           {"8", " 4"},
                                           {"8", "4294967296"}}) {
        say(5, "3", wrong_ring, port);
        EXPECT_EQ(state(), "6") << wrong_ring << " " << port;
        EXPECT_EQ(outside.connected, 0);
        say(5, "1");
        EXPECT_EQ(state(), "2");
    }
    say(5, "3");
    EXPECT_EQ(state(), "4");
}

TEST_F(ChannelsTest, states_that_are_none_change_nothing) {
    add_channel(5, 1);
    outside.rings[{5, 8}] = &ring;
    run();
    for (const char* wrong : {"7", "8", "9", "4294967295"}) {
        say(5, wrong);
        EXPECT_EQ(state(), "2");
    }
    say(5, "3");
    for (const char* wrong : {"7", "8", "123"}) {
        say(5, wrong);
        EXPECT_EQ(state(), "4");
    }
    say(5, "connected");
    EXPECT_EQ(state(), "6");
    EXPECT_EQ(outside.connected, 0);
}

TEST_F(ChannelsTest, a_second_ring_of_a_connected_front_end_is_not_looked_at) {
    add_channel(5, 1);
    hv::abi::XenconsInterface other{};
    outside.rings[{5, 8}] = &ring;
    outside.rings[{5, 9}] = &other;
    run();
    say(5, "3");
    say(5, "3", "9", "5");
    EXPECT_EQ(outside.connected, 1);
    EXPECT_EQ(channels.all()[0].line().port(), 104U);
}

TEST_F(ChannelsTest, a_domain_that_is_gone_is_disconnected) {
    add_channel(5, 1);
    outside.rings[{5, 8}] = &ring;
    run();
    say(5, "3");
    EXPECT_EQ(rm(0, "/local/domain/5"), "OK|");
    run();
    EXPECT_EQ(state(), "6");
    EXPECT_EQ(outside.connected, 0);
}

TEST_F(ChannelsTest, any_order_of_states_ends_in_order) {
    add_channel(5, 1);
    outside.rings[{5, 8}] = &ring;
    run();
    uint32_t random = 2463534242;
    for (int i = 0; i < 300; ++i) {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        say(5, std::to_string(random % 8), random % 3 == 0 ? "9" : "8");
        EXPECT_EQ(outside.connected, channels.all()[0].line().is_attached() ? 1 : 0);
        EXPECT_TRUE(outside.connected == 0 || state() == "4") << state();
    }
    say(5, "6");
    say(5, "1");
    say(5, "3");
    EXPECT_EQ(state(), "4");
}

TEST_F(ChannelsTest, events_without_end_keep_the_caller_from_nothing) {
    const std::string_view payload("a\0t\0", 4);
    const hv::abi::XsdSockmsg header{.type = static_cast<uint32_t>(hv::abi::XsType::XS_WATCH_EVENT),
                                     .len = 4};
    while (page_->rsp_prod + sizeof(header) + payload.size() <= hv::abi::XENSTORE_RING_SIZE) {
        std::memcpy(page_->rsp + page_->rsp_prod, &header, sizeof(header));
        std::memcpy(page_->rsp + page_->rsp_prod + sizeof(header), payload.data(), payload.size());
        page_->rsp_prod += static_cast<uint32_t>(sizeof(header) + payload.size());
    }
    EXPECT_FALSE(channels.take_messages(client, outside)) << "the ring holds more than is taken";
    EXPECT_TRUE(channels.take_messages(client, outside));
}

TEST_F(ChannelsTest, a_store_that_makes_no_sense_leaves_what_is_connected) {
    add_channel(5, 1);
    outside.rings[{5, 8}] = &ring;
    run();
    say(5, "3");
    page_->rsp_prod += 5000;
    channels.take_messages(client, outside);
    EXPECT_FALSE(channels.ask(client));
    EXPECT_NE(client.fault(), xenstore_client::Fault::None);
    EXPECT_TRUE(channels.all()[0].line().is_attached());
}

}  // namespace
}  // namespace xenstore::test
