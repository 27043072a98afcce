// SPDX-License-Identifier: Apache-2.0
// All consoles and channels of a launch, and the frames that go to its machine, read by the console
// service's own parser.
#include "images/qemu/outlets.hpp"

#include "domb/services/console/input_frames.hpp"
#include "tests/unit/images/visitor.hpp"

#include <fstream>
#include <iterator>

namespace images::test {
namespace {

using launch::ChannelEnd;
using std::filesystem::path;

const std::vector<LaunchConsole> consoles{
    {.stream = {1, 0}, .domain = "web", .channel = {}},
    {.stream = {1, 1}, .domain = "web", .channel = "agent"},
    {.stream = {1, 2}, .domain = "web", .channel = "log", .end = ChannelEnd::Socket},
    {.stream = {2, 0}, .domain = "db", .channel = {}},
    {.stream = {2, 1}, .domain = "db", .channel = "agent", .end = ChannelEnd::Socket},
};

class OutletsTest : public testing::Test {
  protected:
    // One turn of the event loop.
    void turn() {
        std::vector<pollfd> fds;
        outlets.add_to(fds);
        EXPECT_GE(::poll(fds.data(), fds.size(), 0), 0);
        outlets.serve(fds);
    }
    // Until it is so: a terminal takes its time.
    template <class Condition>
    void turn_until(Condition is_so) {
        for (int ms = 0; ms < Visitor::patience_ms && !is_so(); ++ms) {
            turn();
            ::poll(nullptr, 0, 1);
        }
        EXPECT_TRUE(is_so());
    }
    // Somebody at the channel, whom the outlet has noticed.
    Visitor visit(const std::string& link) {
        const path end = std::filesystem::read_symlink(directory.path() / link);
        Visitor visitor = link.ends_with(".pty") ? Visitor::open(end) : Visitor::connect(end);
        turn();
        return visitor;
    }
    // The machine takes so many bytes of what goes to it; what has come whole is in `arrived`.
    void take(size_t count) {
        count = std::min(count, outlets.to_machine().size());
        const std::string bytes = outlets.to_machine().substr(0, count);
        outlets.to_machine().erase(0, count);
        std::string_view rest = bytes;
        while (const auto piece = frames_.next(rest)) {
            arrived[{piece->domain, piece->channel}] += piece->bytes;
        }
    }
    std::string read_file(const std::string& name) const {
        std::ifstream file{directory.path() / name, std::ios::binary};
        return {std::istreambuf_iterator<char>{file}, {}};
    }

    const TemporaryDirectory directory = TemporaryDirectory::create().take();
    Outlets outlets = Outlets::create(directory.path(), consoles, {.consoles = true}).take();
    std::map<std::pair<uint8_t, uint8_t>, std::string> arrived;

  private:
    console::InputFrames frames_;
};

TEST_F(OutletsTest, are_found_by_the_names_of_domain_and_channel) {
    const std::vector<std::string> links{"console/web.pty", "channels/web/agent.pty",
                                         "channels/web/log.socket", "console/db.pty",
                                         "channels/db/agent.socket"};
    ASSERT_EQ(outlets.descriptions().size(), links.size());
    for (size_t i = 0; i < links.size(); ++i) {
        const Outlets::Description& description = outlets.descriptions()[i];
        EXPECT_EQ(description.link, directory.path() / links[i]);
        EXPECT_EQ(std::filesystem::read_symlink(description.link), description.path);
    }
}

TEST_F(OutletsTest, each_hears_its_own_domain_and_channel) {
    Visitor agent = visit("channels/web/agent.pty");
    Visitor log = visit("channels/web/log.socket");
    Visitor other = visit("channels/db/agent.socket");
    Visitor console = visit("console/web.pty");
    outlets.on_output({1, 1}, "to web's agent");
    outlets.on_output({1, 2}, "to web's log");
    outlets.on_output({2, 1}, "to db's agent");
    outlets.on_output({1, 0}, "web's console");
    outlets.on_output({7, 3}, "nobody's");
    turn();
    EXPECT_EQ(agent.read(14), "to web's agent");
    EXPECT_EQ(log.read(), "to web's log");
    EXPECT_EQ(other.read(), "to db's agent");
    EXPECT_EQ(console.read(13), "web's console");
    EXPECT_EQ(read_file("channels/web/agent.log"), "to web's agent");
    EXPECT_EQ(read_file("channels/db/agent.log"), "to db's agent");
    EXPECT_FALSE(std::filesystem::exists(directory.path() / "console/web.log"));
}

TEST_F(OutletsTest, what_is_written_goes_to_its_domain_as_far_as_that_has_room) {
    Visitor agent = visit("channels/web/agent.pty");
    Visitor other = visit("channels/db/agent.socket");
    agent.write("hello web");
    other.write("hello db");
    turn();
    EXPECT_EQ(outlets.to_machine(), "") << "nobody has said that there is room";
    outlets.on_room({1, 1}, 5);
    outlets.on_room({7, 3}, 5);
    turn_until([this] { return !outlets.to_machine().empty(); });
    turn();
    EXPECT_EQ(outlets.to_machine(),
              "\x1e"
              "0110005hello");
    outlets.on_room({2, 1}, 100);
    outlets.on_room({1, 1}, 1);
    turn();
    outlets.on_room({1, 1}, 100);
    turn_until([this] {
        take(1000);
        return arrived[{1, 1}].size() >= 9;
    });
    EXPECT_EQ((arrived[{1, 1}]), "hello web");
    EXPECT_EQ((arrived[{2, 1}]), "hello db");
}

TEST_F(OutletsTest, frames_stay_whole_however_slowly_the_machine_takes_them) {
    Visitor agent = visit("channels/web/agent.pty");
    Visitor log = visit("channels/web/log.socket");
    outlets.on_room({1, 1}, 100'000);
    outlets.on_room({1, 2}, 100'000);
    std::string sent;
    for (unsigned i = 0; i < 300; ++i) {
        const std::string text = "line " + std::to_string(i) +
                                 "\x1e"
                                 "0110003\n";
        sent += text;
        agent.write(text);
        log.write(text);
        turn();
        take(1 + i % 40);
    }
    turn_until([&] {
        take(100'000);
        return arrived[{1, 1}].size() + arrived[{1, 2}].size() >= 2 * sent.size();
    });
    EXPECT_EQ((arrived[{1, 1}]), sent);
    EXPECT_EQ((arrived[{1, 2}]), sent);
}

TEST_F(OutletsTest, who_writes_much_takes_turns_with_the_others) {
    Visitor log = visit("channels/web/log.socket");
    Visitor other = visit("channels/db/agent.socket");
    outlets.on_room({1, 2}, 100'000);
    outlets.on_room({2, 1}, 100'000);
    log.write(std::string(50'000, 'x'));
    other.write("y");
    turn();
    take(100'000);
    EXPECT_EQ((arrived[{2, 1}]), "y");
    EXPECT_LT((arrived[{1, 2}].size()), 5'000U);
}

TEST_F(OutletsTest, a_machine_that_takes_nothing_is_not_sent_more_and_more) {
    Visitor log = visit("channels/web/log.socket");
    outlets.on_room({1, 2}, 1'000'000);
    size_t written = 0;
    for (unsigned i = 0; i < 200; ++i) {
        if (written < 150'000) {
            log.write(std::string(1000, 'x'));
            written += 1000;
        }
        turn();
    }
    EXPECT_LT(outlets.to_machine().size(), 70'000U);
    std::vector<pollfd> fds;
    outlets.add_to(fds);
    EXPECT_EQ(::poll(fds.data(), fds.size(), 0), 0) << "it is left with its writer";
    for (unsigned i = 0; i < 200; ++i) {
        take(100'000);
        turn();
    }
    EXPECT_EQ((arrived[{1, 2}].size()), 150'000U);
}

TEST(Outlets, consoles_are_offered_to_those_who_want_them) {
    const auto directory = TemporaryDirectory::create().take();
    const auto outlets = Outlets::create(directory.path(), consoles, {}).take();
    EXPECT_EQ(outlets.descriptions().size(), 3U);
    EXPECT_FALSE(std::filesystem::exists(directory.path() / "console"));
}

TEST(Outlets, links_go_and_logs_stay) {
    const auto directory = TemporaryDirectory::create().take();
    {
        auto outlets = Outlets::create(directory.path(), consoles, {.consoles = true}).take();
        outlets.on_output({1, 2}, "said");
        Outlets moved{std::move(outlets)};
        EXPECT_TRUE(std::filesystem::exists(directory.path() / "channels/web/log.socket"));
    }
    for (const char* link :
         {"channels/web/log.socket", "channels/web/agent.pty", "console/web.pty"}) {
        EXPECT_FALSE(std::filesystem::is_symlink(directory.path() / link)) << link;
    }
    EXPECT_EQ(std::filesystem::file_size(directory.path() / "channels/web/log.log"), 4U);
}

TEST(Outlets, what_an_earlier_boot_left_is_replaced) {
    const auto directory = TemporaryDirectory::create().take();
    std::filesystem::create_directories(directory.path() / "channels/old");
    std::filesystem::create_directories(directory.path() / "console");
    std::ofstream{directory.path() / "channels/old/agent.log"} << "old";
    std::ofstream{directory.path() / "console/web.pty"} << "a file";
    std::filesystem::create_symlink("/nowhere", directory.path() / "console/db.pty");
    const auto outlets = Outlets::create(directory.path(), consoles, {.consoles = true}).take();
    EXPECT_FALSE(std::filesystem::exists(directory.path() / "channels/old"));
    for (const char* name : {"web", "db"}) {
        const path link = directory.path() / "console" / (std::string{name} + ".pty");
        EXPECT_TRUE(std::filesystem::is_character_file(link)) << link;
    }
}

TEST(Outlets, what_cannot_be_replaced_is_named) {
    const auto directory = TemporaryDirectory::create().take();
    const path taken = directory.path() / "console/web.pty";
    std::filesystem::create_directories(taken / "somebody's");
    const auto outlets = Outlets::create(directory.path(), consoles, {.consoles = true});
    ASSERT_FALSE(outlets.ok());
    EXPECT_TRUE(outlets.error().message.starts_with(taken.string() + ": "));
    EXPECT_TRUE(std::filesystem::exists(taken / "somebody's"));
}

}  // namespace
}  // namespace images::test
