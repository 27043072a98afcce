// SPDX-License-Identifier: Apache-2.0
// One line's turn: what has been done by the time the UART is waited for.
#include "domb/services/console/drain.hpp"

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace console {
namespace {

class DrainTest : public testing::Test, public DrainOutside {
  protected:
    DrainTest() {
        hv::abi::ConsolePattern pattern{.domid = 3, .bytes = 2, .text = "up"};
        const hv::abi::ConsolePatterns head{.count = 1};
        std::vector<std::byte> plan(sizeof(head) + sizeof(pattern));
        std::memcpy(plan.data(), &head, sizeof(head));
        std::memcpy(plan.data() + sizeof(head), &pattern, sizeof(pattern));
        EXPECT_TRUE(patterns.read(plan));
        line.attach(page, 9);
        EXPECT_EQ(line.take_room(), InRing::capacity);
    }
    void clear_event(uint32_t port) override { story += "clear " + std::to_string(port) + ", "; }
    void notify(uint32_t port) override { story += "notify " + std::to_string(port) + ", "; }
    void tell_room(const Line&, uint16_t bytes) override {
        story += "room " + std::to_string(bytes) + ", ";
    }
    void ask_xenstore() override {
        story += patterns.ask(client) ? "tell the launcher, " : "look at Xenstore, ";
        if (goes_away) {
            line.detach();
        }
    }
    void write(const Line& of, std::string_view text) override {
        story += std::to_string(of.domain().value()) + ": " + std::string{text} + ", ";
    }
    void say(std::string_view text) {
        for (const char c : text) {
            page.out[page.out_prod++ % sizeof(page.out)] = c;
        }
    }
    // What has been done since.
    std::string turn() {
        story.clear();
        drain(line, patterns, *this);
        return story;
    }

    hv::abi::XenconsInterface page{};
    Line line{hv::DomainId{3}, 0};
    std::unique_ptr<hv::abi::XenstoreDomainInterface> store =
        std::make_unique<hv::abi::XenstoreDomainInterface>();
    xenstore_client::Client client{*store};
    Patterns patterns;
    bool goes_away = false;
    std::string story;
};

TEST_F(DrainTest, nobody_but_the_reader_waits_for_the_uart) {
    say("I am up");
    EXPECT_EQ(turn(), "clear 9, notify 9, tell the launcher, 3: I am up, ");
    say("again up");
    EXPECT_EQ(turn(), "clear 9, notify 9, look at Xenstore, 3: again up, ");
    EXPECT_EQ(turn(), "clear 9, ");
}

TEST_F(DrainTest, room_is_told_even_if_nothing_was_said) {
    line.put(std::string(InRing::capacity, 'x'));
    page.in_cons = page.in_prod;
    EXPECT_EQ(turn(), "clear 9, room 1024, ");
}

TEST_F(DrainTest, lost_bytes_are_told_and_part_a_text) {
    say("u");
    turn();
    page.out_prod += sizeof(page.out) + 7;
    page.out[(page.out_prod - sizeof(page.out)) % sizeof(page.out)] = 'p';
    EXPECT_TRUE(
        turn().starts_with("clear 9, notify 9, look at Xenstore, 3: \n[console: 7 bytes lost]\n"))
        << story;
}

TEST_F(DrainTest, of_a_channel_is_not_looked_for_texts) {
    line = Line{hv::DomainId{3}, 1};
    line.attach(page, 9);
    line.take_room();
    say("up");
    EXPECT_EQ(turn(), "clear 9, notify 9, look at Xenstore, 3: up, ");
}

TEST_F(DrainTest, what_was_taken_goes_out_when_its_line_goes_away) {
    goes_away = true;
    say("last words");
    EXPECT_EQ(turn(), "clear 9, notify 9, look at Xenstore, 3: last words, ");
    EXPECT_EQ(turn(), "");
}

TEST_F(DrainTest, a_page_that_is_gone_is_left_alone) {
    std::memset(&page, 0xff, sizeof(page));
    EXPECT_EQ(turn(), "clear 9, ");
    EXPECT_FALSE(line.is_attached());
    EXPECT_EQ(turn(), "");
}

}  // namespace
}  // namespace console
