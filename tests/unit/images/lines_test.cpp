// SPDX-License-Identifier: Apache-2.0
#include "images/console/lines.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace {

using images::LineSplitter;

std::vector<std::string> split_lines(std::string_view bytes, size_t cut) {
    std::vector<std::string> lines;
    LineSplitter splitter{[&](std::string_view line) { lines.emplace_back(line); }};
    splitter.feed(bytes.substr(0, cut));
    splitter.feed(bytes.substr(cut));
    splitter.finish();
    return lines;
}

TEST(LineSplitter, lines_are_the_same_wherever_the_bytes_are_cut) {
    const std::string bytes = "one\r\n\ntwo\r\r\nthree\rfour\nno end";
    const std::vector<std::string> expected{"one", "", "two", "three\rfour", "no end"};
    for (size_t cut = 0; cut <= bytes.size(); ++cut) {
        EXPECT_EQ(split_lines(bytes, cut), expected) << "cut after " << cut;
    }
}

TEST(LineSplitter, a_line_of_the_greatest_length_is_one_line) {
    const std::string longest(LineSplitter::max_line_bytes, 'x');
    for (const size_t cut : {size_t{1}, longest.size() - 1, longest.size(), longest.size() + 1}) {
        EXPECT_EQ(split_lines(longest + "\nnext\n", cut),
                  (std::vector<std::string>{longest, "next"}));
    }
}

TEST(LineSplitter, a_longer_line_comes_in_parts) {
    const std::string longest(LineSplitter::max_line_bytes, 'x');
    EXPECT_EQ(split_lines(longest + "y\n", 10), (std::vector<std::string>{longest, "y"}));
}

TEST(Printable, no_control_character_survives) {
    for (int byte = 0; byte < 256; ++byte) {
        const char c = static_cast<char>(byte);
        for (const char out : images::printable({&c, 1})) {
            EXPECT_TRUE((out >= 0x20 && out < 0x7f) || out == '\t') << "byte " << byte;
        }
    }
    EXPECT_EQ(images::printable("a\x1b[2Jb\tc\x9b"), "a\\x1b[2Jb\tc\\x9b");
}

}  // namespace
