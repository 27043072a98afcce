// SPDX-License-Identifier: Apache-2.0
#include "domb/services/console/patterns.hpp"

#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace console::test {
namespace {

bool is_found(std::string_view text, const std::vector<std::string>& pieces) {
    LinePattern pattern{text};
    bool found = false;
    for (const std::string& piece : pieces) {
        found = pattern.see(piece) || found;
    }
    return found;
}

TEST(LinePattern, is_found_anywhere_within_a_line) {
    EXPECT_TRUE(is_found("login:", {"login:"}));
    EXPECT_TRUE(is_found("login:", {"debian login: "}));
    EXPECT_TRUE(is_found("login:", {"one\ntwo\ndebian login: \nthree\n"}));
    EXPECT_TRUE(is_found("login:", {"log", "", "in", ":"}));
    EXPECT_FALSE(is_found("login:", {"log\nin:"}));
    EXPECT_FALSE(is_found("login:", {"log", "\n", "in:"}));
    EXPECT_FALSE(is_found("login:", {"login"}));
    EXPECT_TRUE(is_found("aab", {"aaaaab"}));
    EXPECT_TRUE(is_found("ababac", {"abababac"}));
    EXPECT_FALSE(is_found("a\nb", {"a\nb"}));
    EXPECT_TRUE(is_found("x", {"\0x"}) == false && is_found("x", {std::string("\0x", 2)}));
    EXPECT_TRUE(is_found(std::string(127, 'y'), {std::string(60, 'y'), std::string(67, 'y')}));
}

TEST(LinePattern, gap_is_the_end_of_a_line) {
    LinePattern pattern{"login:"};
    EXPECT_FALSE(pattern.see("debian log"));
    pattern.see_gap();
    EXPECT_FALSE(pattern.see("in:"));
    EXPECT_TRUE(pattern.see("login:"));
}

// Against the obvious search, over an alphabet that makes texts overlap themselves.
TEST(LinePattern, agrees_with_a_search_of_lines) {
    std::mt19937 random{1};
    const auto text_of = [&random](size_t size, std::string_view letters) {
        std::string text;
        for (size_t i = 0; i < size; ++i) {
            text += letters[random() % letters.size()];
        }
        return text;
    };
    for (int round = 0; round < 3000; ++round) {
        const std::string wanted = text_of(1 + random() % 6, "ab");
        const std::string stream = text_of(random() % 60, "aaabbb\n");
        std::vector<std::string> pieces;
        for (size_t at = 0; at < stream.size();) {
            const size_t size = 1 + random() % 7;
            pieces.push_back(stream.substr(at, size));
            at += size;
        }
        ASSERT_EQ(is_found(wanted, pieces), stream.find(wanted) != std::string::npos)
            << wanted << " in " << stream;
    }
}

std::vector<std::byte> plan_of(const std::vector<std::pair<uint16_t, std::string>>& patterns) {
    const hv::abi::ConsolePatterns head{.count = static_cast<uint32_t>(patterns.size())};
    std::vector<std::byte> bytes(sizeof(head) + patterns.size() * sizeof(hv::abi::ConsolePattern));
    std::memcpy(bytes.data(), &head, sizeof(head));
    for (size_t i = 0; i < patterns.size(); ++i) {
        hv::abi::ConsolePattern pattern{.domid = patterns[i].first,
                                        .bytes = static_cast<uint16_t>(patterns[i].second.size())};
        patterns[i].second.copy(pattern.text, sizeof(pattern.text));
        std::memcpy(bytes.data() + sizeof(head) + i * sizeof(pattern), &pattern, sizeof(pattern));
    }
    return bytes;
}

TEST(ConsolePatterns, of_a_wrong_form_are_refused) {
    EXPECT_TRUE(Patterns{}.read({}));
    EXPECT_TRUE(Patterns{}.read(plan_of({})));
    const auto good = plan_of({{3, "login:"}, {4, "up"}});
    EXPECT_TRUE(Patterns{}.read(good));
    for (size_t size = 1; size < good.size(); ++size) {
        EXPECT_FALSE(Patterns{}.read(std::span{good}.first(size))) << size;
    }
    EXPECT_FALSE(Patterns{}.read(plan_of({{3, ""}})));
    EXPECT_FALSE(Patterns{}.read(plan_of({{3, std::string(128, 'x')}})));
    EXPECT_FALSE(Patterns{}.read(
        plan_of(std::vector<std::pair<uint16_t, std::string>>(Patterns::capacity + 1, {3, "x"}))));
}

// What the client has put into its ring, as text.
std::string requests(const hv::abi::XenstoreDomainInterface& page) {
    std::string text(page.req, page.req_prod);
    for (char& c : text) {
        c = c == '\0' ? '.' : c;
    }
    return text;
}

TEST(ConsolePatterns, tell_xenstore_once_that_a_domains_text_has_come) {
    const auto page = std::make_unique<hv::abi::XenstoreDomainInterface>();
    xenstore_client::Client client{*page};
    Patterns patterns;
    ASSERT_TRUE(patterns.read(plan_of({{3, "login:"}, {4, "login:"}})));
    EXPECT_FALSE(patterns.ask(client));
    patterns.see(hv::DomainId{3}, "debian log");
    patterns.see(hv::DomainId{5}, "login:");
    EXPECT_FALSE(patterns.ask(client));
    patterns.see(hv::DomainId{3}, "in: ");
    EXPECT_TRUE(patterns.ask(client));
    EXPECT_NE(requests(*page).find("matched/3.1"), std::string::npos);
    patterns.see(hv::DomainId{4}, "login:");
    EXPECT_FALSE(patterns.ask(client)) << "the client waits for its reply";
    page->rsp_prod = sizeof(hv::abi::XsdSockmsg);
    page->req_cons = page->req_prod;
    const hv::abi::XsdSockmsg reply{.type = static_cast<uint32_t>(hv::abi::XsType::XS_WRITE),
                                    .req_id = 1};
    std::memcpy(page->rsp, &reply, sizeof(reply));
    ASSERT_TRUE(client.poll());
    patterns.see(hv::DomainId{3}, "login:");
    EXPECT_TRUE(patterns.ask(client));
    EXPECT_NE(requests(*page).find("matched/4.1"), std::string::npos);
}

TEST(ConsolePatterns, lost_bytes_end_a_line) {
    const auto page = std::make_unique<hv::abi::XenstoreDomainInterface>();
    xenstore_client::Client client{*page};
    Patterns patterns;
    ASSERT_TRUE(patterns.read(plan_of({{3, "login:"}})));
    patterns.see(hv::DomainId{3}, "log");
    patterns.see_gap(hv::DomainId{3});
    patterns.see(hv::DomainId{3}, "in:");
    EXPECT_FALSE(patterns.ask(client));
}

}  // namespace
}  // namespace console::test
