// SPDX-License-Identifier: Apache-2.0
// One console or channel as a terminal or a socket, with readers that come, read nothing, and hang
// up.
#include "images/qemu/outlet.hpp"

#include "images/qemu/temporary_directory.hpp"
#include "tests/unit/images/visitor.hpp"

#include <ctime>
#include <fstream>
#include <optional>

#include <gtest/gtest.h>

namespace images::test {
namespace {

// No part of it is like another.
std::string numbers(size_t count) {
    std::string text;
    for (unsigned i = 0; text.size() < count; ++i) {
        text += std::to_string(i) + ' ';
    }
    text.resize(count);
    return text;
}
std::string_view newest(std::string_view text, size_t count = Outlet::max_waiting) {
    return text.substr(text.size() - count);
}

// One turn of the event loop; true if read() may have something.
bool turn(Outlet& outlet, bool wants_input = true, int patience_ms = 0) {
    std::vector<pollfd> fds;
    outlet.add_to(fds, wants_input);
    EXPECT_LE(fds.size(), 1U);
    EXPECT_GE(::poll(fds.data(), fds.size(), patience_ms), 0);
    bool is_there = false;
    for (const pollfd& found : fds) {
        is_there = outlet.serve(found) || is_there;
    }
    return is_there;
}

// Whether the event loop would wait: nothing makes it turn for nothing.
bool rests(const Outlet& outlet, bool wants_input = true) {
    std::vector<pollfd> fds;
    outlet.add_to(fds, wants_input);
    return ::poll(fds.data(), fds.size(), 0) == 0;
}

// All that waits, however little the other end's buffer holds: up to `end`, which is once in it.
std::string read_up_to(std::string_view end, Outlet& outlet, Visitor& visitor) {
    std::string all;
    for (std::string part = "x"; !part.empty() && !all.ends_with(end);) {
        turn(outlet);
        part = visitor.read(1);
        all += part;
    }
    return all;
}

class Socket : public testing::Test {
  protected:
    const TemporaryDirectory directory = TemporaryDirectory::create().take();
    const std::filesystem::path path = directory.path() / "socket";
    Outlet outlet = Outlet::open_socket(path).take();
};

class Terminal : public testing::Test {
  protected:
    Outlet outlet = Outlet::open_terminal().take();
};

TEST_F(Socket, carries_bytes_both_ways) {
    EXPECT_EQ(outlet.path(), path);
    EXPECT_TRUE(rests(outlet));
    Visitor visitor = Visitor::connect(path);
    EXPECT_FALSE(turn(outlet)) << "somebody came, and has said nothing yet";
    outlet.write(std::string_view{"out\0\n", 5});
    EXPECT_EQ(visitor.read(), std::string("out\0\n", 5));
    visitor.write("abc");
    EXPECT_TRUE(turn(outlet));
    EXPECT_EQ(outlet.read(2), "ab");
    EXPECT_TRUE(turn(outlet));
    EXPECT_EQ(outlet.read(2), "c");
    EXPECT_EQ(outlet.read(2), "");
    EXPECT_TRUE(rests(outlet));
}

TEST_F(Socket, what_the_domain_has_no_room_for_stays_with_its_writer) {
    Visitor visitor = Visitor::connect(path);
    turn(outlet);
    visitor.write("abc");
    EXPECT_TRUE(rests(outlet, false));
    EXPECT_FALSE(turn(outlet, false));
    EXPECT_TRUE(turn(outlet, true));
    EXPECT_EQ(outlet.read(9), "abc");
}

TEST_F(Socket, keeps_what_nobody_reads_yet) {
    outlet.write("early ");
    outlet.write("words");
    EXPECT_TRUE(rests(outlet));
    Visitor visitor = Visitor::connect(path);
    turn(outlet);
    EXPECT_EQ(visitor.read(), "early words");
}

TEST_F(Socket, drops_the_oldest_of_more_than_may_wait) {
    const std::string said = numbers(Outlet::max_waiting + 1000);
    outlet.write(said.substr(0, 1500));
    outlet.write(said.substr(1500));
    Visitor visitor = Visitor::connect(path);
    turn(outlet);
    EXPECT_TRUE(read_up_to(newest(said, 100), outlet, visitor) == newest(said));
}

// Or a domain that writes into a channel that nobody reads would keep the others' output waiting.
TEST_F(Socket, a_byte_costs_the_same_however_much_waits) {
    outlet.write(numbers(Outlet::max_waiting));
    const std::clock_t before = std::clock();
    for (int i = 0; i < 30'000; ++i) {
        outlet.write("x");
    }
    EXPECT_LT(std::clock() - before, 3 * CLOCKS_PER_SEC);
}

TEST_F(Socket, a_reader_that_does_not_read_loses_but_does_not_block) {
    Visitor visitor = Visitor::connect(path);
    turn(outlet);
    const std::string said = numbers(3 * Outlet::max_waiting);
    for (size_t at = 0; at < said.size(); at += 4096) {
        outlet.write(std::string_view{said}.substr(at, 4096));
    }
    const std::string heard = read_up_to(newest(said, 100), outlet, visitor);
    EXPECT_LT(heard.size(), said.size());
    EXPECT_TRUE(heard.ends_with(newest(said)));
    EXPECT_TRUE(rests(outlet));
}

TEST_F(Socket, has_one_client_at_a_time_and_the_next_one_afterwards) {
    std::optional<Visitor> first = Visitor::connect(path);
    turn(outlet);
    Visitor second = Visitor::connect(path);
    turn(outlet);
    outlet.write("one");
    EXPECT_EQ(first->read(), "one");
    EXPECT_EQ(second.read(), "");
    first.reset();
    for (int i = 0; i < 3; ++i) {  // its end, that it can be written to no more, the next one
        if (turn(outlet)) {
            EXPECT_EQ(outlet.read(10), "");
        }
    }
    outlet.write("two");
    EXPECT_EQ(second.read(), "two");
    second.write("back");
    EXPECT_TRUE(turn(outlet));
    EXPECT_EQ(outlet.read(10), "back");
}

TEST_F(Socket, a_client_that_hangs_up_in_mid_speech_ends_nothing) {
    std::optional<Visitor> visitor = Visitor::connect(path);
    turn(outlet);
    visitor->write("last words");
    visitor.reset();
    EXPECT_TRUE(turn(outlet));
    EXPECT_EQ(outlet.read(5), "last ");
    outlet.write("nobody hears this");  // EPIPE, and no signal
    outlet.write(", and this waits");
    Visitor next = Visitor::connect(path);
    turn(outlet);
    EXPECT_TRUE(next.read().ends_with(", and this waits"));
}

TEST_F(Socket, a_client_that_has_sent_all_it_will_still_reads) {
    Visitor visitor = Visitor::connect(path);
    turn(outlet);
    visitor.write("question");
    visitor.end_writing();
    EXPECT_TRUE(turn(outlet));
    EXPECT_EQ(outlet.read(100), "question");
    EXPECT_TRUE(turn(outlet));
    EXPECT_EQ(outlet.read(100), "");
    EXPECT_TRUE(rests(outlet)) << "its end is told once";
    outlet.write("answer");
    EXPECT_EQ(visitor.read(), "answer");
}

TEST(OutletSocket, is_refused_where_there_is_something_already) {
    const auto directory = TemporaryDirectory::create().take();
    const std::filesystem::path path = directory.path() / "taken";
    std::ofstream{path} << "a file";
    const auto outlet = Outlet::open_socket(path);
    ASSERT_FALSE(outlet.ok());
    EXPECT_EQ(outlet.error().message, path.string() + ": Address already in use");
    std::string text;
    std::ifstream{path} >> text;
    EXPECT_EQ(text, "a") << "it is left as it was";
}

TEST(OutletSocket, is_refused_under_a_name_that_is_too_long_or_nowhere) {
    const auto directory = TemporaryDirectory::create().take();
    const auto long_name = Outlet::open_socket(directory.path() / std::string(100, 'x'));
    ASSERT_FALSE(long_name.ok());
    EXPECT_TRUE(long_name.error().message.ends_with("too long for the name of a socket"));
    EXPECT_FALSE(Outlet::open_socket(directory.path() / "absent" / "socket").ok());
}

TEST_F(Terminal, carries_bytes_both_ways_as_they_are) {
    EXPECT_TRUE(rests(outlet));
    Visitor visitor = Visitor::open(outlet.path());
    outlet.write("a\n\x04\x03");
    EXPECT_EQ(visitor.read(4), "a\n\x04\x03");
    visitor.write("b\r\x04\x03");
    EXPECT_TRUE(turn(outlet, true, Visitor::patience_ms));
    EXPECT_EQ(outlet.read(100), "b\r\x04\x03") << "and no echo before it";
    EXPECT_TRUE(rests(outlet));
}

TEST_F(Terminal, stays_when_who_had_it_open_hangs_up) {
    for (const char* text : {"first", "again"}) {
        Visitor visitor = Visitor::open(outlet.path());
        outlet.write(text);
        EXPECT_EQ(visitor.read(5), text);
        visitor.write(text);
        EXPECT_TRUE(turn(outlet, true, Visitor::patience_ms));
        EXPECT_EQ(outlet.read(100), text);
    }
    EXPECT_TRUE(rests(outlet));
}

TEST_F(Terminal, keeps_the_newest_of_what_nobody_reads) {
    const std::string said = numbers(Outlet::max_waiting + 100'000);
    for (size_t at = 0; at < said.size(); at += 4096) {
        outlet.write(std::string_view{said}.substr(at, 4096));
    }
    Visitor visitor = Visitor::open(outlet.path());
    const std::string heard = read_up_to(newest(said, 100), outlet, visitor);
    EXPECT_LT(heard.size(), said.size());
    EXPECT_TRUE(heard.ends_with(newest(said)));
}

}  // namespace
}  // namespace images::test
