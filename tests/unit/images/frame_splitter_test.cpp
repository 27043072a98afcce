// SPDX-License-Identifier: Apache-2.0
#include "images/console/frame_splitter.hpp"

#include <map>
#include <optional>
#include <string>

#include <gtest/gtest.h>

namespace {

using Streams = std::map<std::optional<uint8_t>, std::string>;

// What arrives in each stream when `bytes` come in pieces that end after `cut`.
Streams split(std::string_view bytes, size_t cut) {
    Streams streams;
    images::FrameSplitter splitter{
        [&](std::optional<uint8_t> source, std::string_view piece) { streams[source] += piece; }};
    splitter.feed(bytes.substr(0, cut));
    splitter.feed(bytes.substr(cut));
    return streams;
}

TEST(FrameSplitter, streams_are_the_same_wherever_the_bytes_are_cut) {
    const std::string bytes =
        "SeaBIOS\n\x1e"
        "01000bhello \x1e"
        "0100\x1e"
        "000003hv\n\x1e"
        "020000\x1e"
        "010003!\r\n"
        "tail\x1e"
        "ff000at_ns=1 x\n\n";
    const Streams expected{{std::nullopt, "SeaBIOS\ntail"},
                           {0x01,
                            "hello \x1e"
                            "0100!\r\n"},
                           {0x00, "hv\n"},
                           {0xff, "t_ns=1 x\n\n"}};
    for (size_t cut = 0; cut <= bytes.size(); ++cut) {
        EXPECT_EQ(split(bytes, cut), expected) << "cut after " << cut;
    }
}

TEST(FrameSplitter, one_byte_at_a_time_gives_the_same_streams) {
    const std::string bytes =
        "a\x1e"
        "010002bcd\x1e"
        "02fff";
    Streams streams;
    images::FrameSplitter splitter{
        [&](std::optional<uint8_t> source, std::string_view piece) { streams[source] += piece; }};
    for (const char c : bytes) {
        splitter.feed({&c, 1});
    }
    EXPECT_EQ(streams, (Streams{{std::nullopt, "ad"}, {0x01, "bc"}}));
    EXPECT_TRUE(splitter.is_within_frame());
}

TEST(FrameSplitter, a_malformed_header_is_text_outside_of_frames) {
    // Upper case, no digit, and a frame start inside of a header that then is a good frame.
    const std::string bytes =
        "\x1e"
        "0A0001x\x1e"
        "g\x1e"
        "01\x1e"
        "020001y";
    Streams streams;
    images::FrameSplitter splitter{
        [&](std::optional<uint8_t> source, std::string_view piece) { streams[source] += piece; }};
    splitter.feed(bytes);
    EXPECT_EQ(streams[std::nullopt],
              "\x1e"
              "0A0001x\x1e"
              "g\x1e"
              "01");
    EXPECT_EQ(streams[0x02], "y");
    EXPECT_EQ(splitter.malformed_count(), 3U);
    EXPECT_FALSE(splitter.is_within_frame());
}

TEST(FrameSplitter, the_largest_payload_is_passed_whole) {
    const std::string payload(hv::abi::uart_frame_max_payload, '\x1e');
    const Streams streams = split(
        "\x1e"
        "efffff" +
            payload + "after",
        60000);
    EXPECT_EQ(streams.at(0xef), payload);
    EXPECT_EQ(streams.at(std::nullopt), "after");
}

}  // namespace
