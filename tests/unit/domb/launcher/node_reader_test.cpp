// SPDX-License-Identifier: Apache-2.0
// The launcher's way to its nodes, with the Xenstore service's own server at the other end, or with
// one that means no good.
#include "domb/services/launcher/node_reader.hpp"

#include "tests/unit/domb/launcher/fake_world.hpp"
#include "tests/unit/domb/xenstore/client.hpp"

#include <random>

namespace launcher::test {
namespace {

using launch::ReadyWhen;

// Domain 5 has written a node below data; the launcher is domain 7.
class NodesInXenstore : public xenstore::test::ServerTest {
  protected:
    NodesInXenstore() {
        make_home(5);
        EXPECT_TRUE(server.add_domain(hv::DomainId{7}).ok());
        EXPECT_TRUE(server.connect(hv::DomainId{7}, *page_).ok());
        set_ready(m.add("five"), ReadyWhen::Xenstore, "data/up", "yes");
        set_ready(m.add("six"), ReadyWhen::Xenstore, "data/up");
        m.written.entries[0].domid = 5;
        m.written.entries[1].domid = 6;
        m.begin();
    }
    void settle() {
        for (int i = 0; i < 50; ++i) {
            EXPECT_TRUE(reader.step(now_ns));
            server.serve_all();
        }
    }
    void let_launcher_read(const std::string& path) {
        EXPECT_EQ(set_perms(0, path, "n5|r7|"), "OK|");
    }

    Launch m;
    std::unique_ptr<hv::abi::XenstoreDomainInterface> page_ =
        std::make_unique<hv::abi::XenstoreDomainInterface>();
    xenstore_client::Client client{*page_};
    NodeReader reader{m.nodes, client};
    uint64_t now_ns = second_ns;
};

TEST_F(NodesInXenstore, are_followed_while_they_matter) {
    settle();
    EXPECT_EQ(page_->req_prod, 0U) << "nobody wants to know";
    reader.want(0, true);
    settle();
    EXPECT_FALSE(m.nodes[0].is_there);
    EXPECT_EQ(reader.deadline_ns(), 0U);
    EXPECT_EQ(mkdir(5, "/local/domain/5/data"), "OK|");
    let_launcher_read("/local/domain/5/data");
    EXPECT_EQ(write(5, "/local/domain/5/data/up", "no"), "OK|");
    settle();
    EXPECT_TRUE(m.nodes[0].is_there);
    EXPECT_FALSE(m.nodes[0].is_met);
    EXPECT_EQ(write(5, "/local/domain/5/data/up", "yes"), "OK|");
    settle();
    EXPECT_TRUE(m.nodes[0].is_met);

    reader.want(0, false);
    settle();
    EXPECT_EQ(write(5, "/local/domain/5/data/up", "no"), "OK|");
    settle();
    EXPECT_TRUE(m.nodes[0].is_met) << "it does not matter any more";
    reader.want(0, true);
    settle();
    EXPECT_FALSE(m.nodes[0].is_met);
}

TEST_F(NodesInXenstore, that_may_not_be_read_are_not_there) {
    EXPECT_EQ(write(5, "/local/domain/5/data/up", "yes"), "OK|");
    EXPECT_EQ(set_perms(5, "/local/domain/5/data/up", "n5|"), "OK|");
    reader.want(0, true);
    reader.want(1, true);
    settle();
    EXPECT_FALSE(m.nodes[0].is_there);
    EXPECT_EQ(client.fault(), xenstore_client::Fault::None);
}

TEST_F(NodesInXenstore, are_read_again_when_they_may_not_be_watched) {
    EXPECT_EQ(mkdir(5, "/local/domain/5/data"), "OK|");
    let_launcher_read("/local/domain/5/data");
    EXPECT_EQ(ask(0, hv::abi::XsType::XS_SET_QUOTA, "7|watches|0|"), "OK|");
    reader.want(0, true);
    settle();
    EXPECT_NE(reader.deadline_ns(), 0U);
    EXPECT_EQ(write(5, "/local/domain/5/data/up", "yes"), "OK|");
    settle();
    EXPECT_FALSE(m.nodes[0].is_there);
    now_ns += NodeReader::read_again_ns;
    settle();
    EXPECT_TRUE(m.nodes[0].is_met);
}

TEST_F(NodesInXenstore, one_that_always_changes_hides_no_other) {
    make_home(6);
    EXPECT_EQ(write(6, "/local/domain/6/data/up", "yes"), "OK|");
    EXPECT_EQ(set_perms(6, "/local/domain/6/data/up", "n6|r7|"), "OK|");
    EXPECT_EQ(mkdir(5, "/local/domain/5/data"), "OK|");
    let_launcher_read("/local/domain/5/data");
    reader.want(0, true);
    settle();
    reader.want(1, true);
    for (int i = 0; i < 50; ++i) {
        EXPECT_EQ(write(5, "/local/domain/5/data/up", "no"), "OK|");
        EXPECT_TRUE(reader.step(now_ns));
    }
    EXPECT_TRUE(m.nodes[0].is_there);
    EXPECT_TRUE(m.nodes[1].is_met);
}

TEST_F(NodesInXenstore, reason_is_written_before_anything_else) {
    EXPECT_EQ(mkdir(0, "/local/domain/9"), "OK|");
    EXPECT_EQ(mkdir(0, "/local/domain/9/recovery"), "OK|");
    EXPECT_EQ(set_perms(0, "/local/domain/9/recovery", "n7|"), "OK|");
    reader.want(0, true);
    reader.write("/local/domain/9/recovery/reason", "because");
    EXPECT_FALSE(reader.has_written());
    settle();
    EXPECT_TRUE(reader.has_written());
    EXPECT_EQ(read(0, "/local/domain/9/recovery/reason"), "because");
    reader.write("/local/domain/9/other", "not allowed");
    settle();
    EXPECT_TRUE(reader.has_written());
}

// Every message that a server can make: nothing crashes, nothing goes on for ever.
TEST(NodeReader, survives_any_server) {
    for (unsigned seed = 0; seed < 300; ++seed) {
        Launch m;
        set_ready(m.add("one"), ReadyWhen::Xenstore, "data/up");
        set_ready(m.add("two"), ReadyWhen::Xenstore, "data/up", "yes");
        m.begin();
        auto page = std::make_unique<hv::abi::XenstoreDomainInterface>();
        xenstore_client::Client client{*page};
        NodeReader reader{m.nodes, client};
        std::mt19937 engine{seed};
        const auto random = [&engine] { return static_cast<uint32_t>(engine()); };
        for (int step = 0; step < 200; ++step) {
            reader.want(random() % 2, random() % 4 != 0);
            if (random() % 16 == 0) {
                reader.write("/a", "b");
            }
            hv::abi::XsdSockmsg header{.type = std::array{2U, 4U, 5U, 11U, 15U, 16U}[random() % 6],
                                       .req_id = static_cast<uint32_t>(step / 2) + 1,
                                       .tx_id = 0,
                                       .len = random() % 12};
            std::string message(sizeof(header) + header.len, '\0');
            std::memcpy(message.data(), &header, sizeof(header));
            const std::string_view letters("/a01923\0\0\0", 10);
            for (size_t i = sizeof(header); i < message.size(); ++i) {
                message[i] = letters[random() % letters.size()];
            }
            for (const char c : message) {
                page->rsp[page->rsp_prod++ % hv::abi::XENSTORE_RING_SIZE] = c;
            }
            page->req_cons = random() % 64 == 0 ? random() : page->req_prod;
            reader.step(second_ns * static_cast<uint64_t>(step));
        }
    }
}

TEST(NodeReader, events_without_end_keep_it_from_nothing) {
    Launch m;
    set_ready(m.add("one"), ReadyWhen::Xenstore, "data/up");
    m.begin();
    auto page = std::make_unique<hv::abi::XenstoreDomainInterface>();
    xenstore_client::Client client{*page};
    NodeReader reader{m.nodes, client};
    const std::string_view payload("a\0t\0", 4);
    const hv::abi::XsdSockmsg header{.type = static_cast<uint32_t>(hv::abi::XsType::XS_WATCH_EVENT),
                                     .len = 4};
    while (page->rsp_prod + sizeof(header) + payload.size() <= hv::abi::XENSTORE_RING_SIZE) {
        std::memcpy(page->rsp + page->rsp_prod, &header, sizeof(header));
        std::memcpy(page->rsp + page->rsp_prod + sizeof(header), payload.data(), payload.size());
        page->rsp_prod += static_cast<uint32_t>(sizeof(header) + payload.size());
    }
    EXPECT_FALSE(reader.step(0)) << "the ring holds more than are taken at a time";
    EXPECT_TRUE(reader.step(0));
}

}  // namespace
}  // namespace launcher::test
