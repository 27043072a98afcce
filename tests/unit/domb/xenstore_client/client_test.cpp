// SPDX-License-Identifier: Apache-2.0
// The client against a peer that sends what it likes.
#include "domb/services/xenstore_client/client.hpp"

#include <cstring>
#include <memory>
#include <string>

#include <gtest/gtest.h>

namespace xenstore_client {
namespace {

using hv::abi::XsdSockmsg;
using hv::abi::XsType;
using namespace std::string_literals;

constexpr uint32_t ring_size = hv::abi::XENSTORE_RING_SIZE;

class ClientTest : public testing::Test {
  protected:
    // The server's end, without any judgement.
    void send(std::string_view bytes) {
        for (const char c : bytes) {
            page->rsp[page->rsp_prod++ % ring_size] = c;
        }
    }
    void send(XsType type, std::string_view payload, uint32_t req_id, uint32_t tx_id = 0) {
        const XsdSockmsg header{.type = static_cast<uint32_t>(type),
                                .req_id = req_id,
                                .tx_id = tx_id,
                                .len = static_cast<uint32_t>(payload.size())};
        std::string bytes(sizeof(header), '\0');
        memcpy(bytes.data(), &header, sizeof(header));
        send(bytes + std::string{payload});
    }
    std::string take_requests() {
        std::string bytes;
        while (page->req_cons != page->req_prod) {
            bytes += page->req[page->req_cons++ % ring_size];
        }
        return bytes;
    }
    void expect_broken(Fault fault) {
        EXPECT_FALSE(client.poll());
        EXPECT_EQ(client.fault(), fault);
        EXPECT_FALSE(client.is_ready());
        EXPECT_FALSE(client.read("name"));
        EXPECT_FALSE(client.poll());
    }

    std::unique_ptr<hv::abi::XenstoreDomainInterface> page =
        std::make_unique<hv::abi::XenstoreDomainInterface>();
    Client client{*page};
};

TEST_F(ClientTest, requests_are_as_on_the_wire) {
    EXPECT_TRUE(client.write("a/b", "value"));
    const std::string bytes = take_requests();
    ASSERT_EQ(bytes.size(), sizeof(XsdSockmsg) + 9);
    XsdSockmsg header{};
    memcpy(&header, bytes.data(), sizeof(header));
    EXPECT_EQ(header.type, static_cast<uint32_t>(XsType::XS_WRITE));
    EXPECT_EQ(header.tx_id, 0U);
    EXPECT_EQ(header.len, 9U);
    EXPECT_EQ(bytes.substr(sizeof(header)), "a/b\0value"s);
    EXPECT_TRUE(client.take_news());
    EXPECT_FALSE(client.take_news());
    EXPECT_FALSE(client.is_ready());
    EXPECT_FALSE(client.read("name"));
    EXPECT_EQ(take_requests(), "");
}

TEST_F(ClientTest, a_reply_may_arrive_byte_by_byte) {
    ASSERT_TRUE(client.read("name"));
    send(XsType::XS_READ, "some text", 1);
    const uint32_t end = std::exchange(page->rsp_prod, 0);
    while (++page->rsp_prod < end) {
        EXPECT_FALSE(client.poll());
        EXPECT_EQ(client.fault(), Fault::None);
    }
    const auto reply = client.poll();
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->kind, Message::Kind::Reply);
    EXPECT_EQ(reply->text, "some text");
    EXPECT_TRUE(client.is_ready());
    EXPECT_EQ(page->rsp_cons, end);
}

TEST_F(ClientTest, a_request_longer_than_the_ring_goes_out_in_pieces) {
    const std::string value(3000, 'v');
    ASSERT_TRUE(client.write("p", value));
    std::string all = take_requests();
    EXPECT_EQ(all.size(), ring_size);
    while (all.size() < sizeof(XsdSockmsg) + 2 + value.size()) {
        EXPECT_FALSE(client.poll());
        EXPECT_TRUE(client.take_news());
        all += take_requests();
    }
    EXPECT_EQ(all.substr(sizeof(XsdSockmsg)), "p\0"s + value);
}

TEST_F(ClientTest, what_does_not_fit_or_has_a_nul_is_not_sent) {
    EXPECT_FALSE(client.write("p", std::string(hv::abi::XENSTORE_PAYLOAD_MAX - 1, 'v')));
    EXPECT_FALSE(client.read("a\0b"s));
    EXPECT_FALSE(client.watch("a", "t\0"s));
    EXPECT_EQ(take_requests(), "");
    EXPECT_TRUE(client.write("p", std::string(hv::abi::XENSTORE_PAYLOAD_MAX - 2, 'v')));
}

TEST_F(ClientTest, events_come_between_a_request_and_its_reply) {
    ASSERT_TRUE(client.read("name"));
    send(XsType::XS_WATCH_EVENT, "a/b\0token\0"s, 0);
    send(XsType::XS_ERROR, "ENOENT\0"s, 1);
    const auto event = client.poll();
    ASSERT_TRUE(event);
    EXPECT_EQ(event->kind, Message::Kind::Event);
    EXPECT_EQ(event->text, "a/b");
    EXPECT_EQ(event->token, "token");
    EXPECT_FALSE(client.is_ready());
    const auto error = client.poll();
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind, Message::Kind::Error);
    EXPECT_EQ(error->text, "ENOENT");
    EXPECT_TRUE(client.is_ready());
}

TEST_F(ClientTest, indices_that_cannot_be_end_the_connection) {
    page->rsp_prod = ring_size + 1;
    expect_broken(Fault::Indices);
}

TEST_F(ClientTest, a_server_that_has_taken_what_nobody_sent_ends_the_connection) {
    page->req_cons = 1;
    EXPECT_TRUE(client.read("name"));
    expect_broken(Fault::Indices);
}

TEST_F(ClientTest, the_clients_own_indices_in_the_page_are_not_believed) {
    ASSERT_TRUE(client.read("name"));
    page->rsp_cons = 77;
    page->req_prod = 99;
    send(XsType::XS_READ, "x", 1);
    const auto reply = client.poll();
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->text, "x");
}

TEST_F(ClientTest, a_page_of_ones_ends_the_connection) {
    memset(page.get(), 0xff, sizeof(*page));
    expect_broken(Fault::Indices);
}

TEST_F(ClientTest, a_payload_that_is_too_long_ends_the_connection) {
    const XsdSockmsg header{.type = 2, .req_id = 1, .tx_id = 0, .len = 4097};
    ASSERT_TRUE(client.read("name"));
    send({reinterpret_cast<const char*>(&header), sizeof(header)});
    expect_broken(Fault::Message);
}

TEST_F(ClientTest, replies_that_answer_nothing_end_the_connection) {
    send(XsType::XS_READ, "x", 1);
    expect_broken(Fault::Message);
}

struct WrongReply {
    const char* name;
    XsType type;
    uint32_t req_id;
    uint32_t tx_id;
};
class WrongReplyTest : public ClientTest, public testing::WithParamInterface<WrongReply> {};

TEST_P(WrongReplyTest, ends_the_connection) {
    ASSERT_TRUE(client.read("name"));
    send(GetParam().type, "x", GetParam().req_id, GetParam().tx_id);
    expect_broken(Fault::Message);
}
INSTANTIATE_TEST_SUITE_P(Client, WrongReplyTest,
                         testing::Values(WrongReply{"type", XsType::XS_DIRECTORY, 1, 0},
                                         WrongReply{"id", XsType::XS_READ, 2, 0},
                                         WrongReply{"error_id", XsType::XS_ERROR, 0, 0},
                                         WrongReply{"transaction", XsType::XS_READ, 1, 1}),
                         [](const auto& wrong) { return wrong.param.name; });

TEST_F(ClientTest, an_answer_before_the_question_is_whole_ends_the_connection) {
    ASSERT_TRUE(client.write("p", std::string(2000, 'v')));
    send(XsType::XS_WRITE, "OK\0"s, 1);
    expect_broken(Fault::Message);
}

class WrongEventTest : public ClientTest, public testing::WithParamInterface<std::string> {};

TEST_P(WrongEventTest, ends_the_connection) {
    send(XsType::XS_WATCH_EVENT, GetParam(), 0);
    expect_broken(Fault::Message);
}
INSTANTIATE_TEST_SUITE_P(Client, WrongEventTest,
                         testing::Values(""s, "path"s, "path\0"s, "path\0token"s,
                                         "path\0token\0more"s, "path\0token\0more\0"s));

TEST(TakeName, takes_one_after_the_other) {
    std::string_view rest{"one\0\0two\0three", 14};
    EXPECT_EQ(take_name(rest), "one");
    EXPECT_EQ(take_name(rest), "");
    EXPECT_EQ(take_name(rest), "two");
    EXPECT_EQ(take_name(rest), "three");
    EXPECT_EQ(take_name(rest), "");
}

}  // namespace
}  // namespace xenstore_client
