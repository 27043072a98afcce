// SPDX-License-Identifier: Apache-2.0
#include "domb/services/console/input_frames.hpp"

#include <map>
#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace console {
namespace {

using Lines = std::map<std::pair<unsigned, unsigned>, std::string>;

// What arrives for each domain and channel when the bytes come in pieces that end after `cut`.
Lines read(std::string_view bytes, size_t cut) {
    Lines lines;
    InputFrames frames;
    for (std::string_view part : {bytes.substr(0, cut), bytes.substr(cut)}) {
        while (const auto piece = frames.next(part)) {
            EXPECT_FALSE(piece->bytes.empty());
            lines[{piece->domain, piece->channel}] += piece->bytes;
        }
        EXPECT_TRUE(part.empty());
    }
    return lines;
}

TEST(InputFrames, lines_are_the_same_wherever_the_bytes_are_cut) {
    const std::string bytes =
        "\x1e"
        "0100003ls\n\x1e"
        "0120005agent\x1e"
        "0100000\x1e"
        "efff001\x1e"
        "ef10001!\x1e"
        "0100003cd\n";
    // The fourth is for channel f, and what it counts goes on behind it.
    for (size_t cut = 0; cut <= bytes.size(); ++cut) {
        const Lines lines = read(bytes, cut);
        EXPECT_EQ(lines.at({1, 0}).substr(0, 3), "ls\n");
        EXPECT_EQ(lines.at({1, 2}), "agent");
        EXPECT_EQ(lines.at({0xef, 0xf}),
                  "\x1e"
                  "ef10001!\x1e"
                  "0100003cd\n");
        EXPECT_EQ(lines.size(), 3U);
    }
}

TEST(InputFrames, what_is_no_frame_is_dropped) {
    const std::string bytes =
        "noise\x1e"
        "01x\x1e"
        "01000\x1e"
        "0A00001a\x1e"
        "\x1e"
        "0200001b0100001c";
    for (size_t cut = 0; cut <= bytes.size(); ++cut) {
        EXPECT_EQ(read(bytes, cut), (Lines{{{2, 0}, "b"}}));
    }
}

TEST(InputFrames, a_payload_may_hold_anything) {
    const std::string payload(0xffff, '\x1e');
    EXPECT_EQ(read("\x1e"
                   "010ffff" +
                       payload + "x",
                   777),
              (Lines{{{1, 0}, payload}}));
}

}  // namespace
}  // namespace console
