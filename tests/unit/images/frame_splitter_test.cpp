// SPDX-License-Identifier: Apache-2.0
#include "images/console/frame_splitter.hpp"

#include <map>
#include <optional>
#include <string>

#include <gtest/gtest.h>

namespace {

using images::UartStream;
using Streams = std::map<std::optional<UartStream>, std::string>;

// What arrives in each stream when `bytes` come in pieces that end after `cut`.
Streams split(std::string_view bytes, size_t cut) {
    Streams streams;
    images::FrameSplitter splitter{
        [&](std::optional<UartStream> from, std::string_view piece) { streams[from] += piece; }};
    splitter.feed(bytes.substr(0, cut));
    splitter.feed(bytes.substr(cut));
    return streams;
}

TEST(FrameSplitter, streams_are_the_same_wherever_the_bytes_are_cut) {
    const std::string bytes =
        "SeaBIOS\n\x1e"
        "010000bhello \x1e"
        "0100\x1e"
        "0000003hv\n\x1e"
        "0200000\x1e"
        "0100003!\r\n\x1e"
        "0120004agenttail\x1e"
        "ff0000at_ns=1 x\n\n";
    const Streams expected{{std::nullopt, "SeaBIOS\nttail"},
                           {UartStream{0x01, 0},
                            "hello \x1e"
                            "0100!\r\n"},
                           {UartStream{0x00, 0}, "hv\n"},
                           {UartStream{0x01, 2}, "agen"},
                           {UartStream{0xff, 0}, "t_ns=1 x\n\n"}};
    for (size_t cut = 0; cut <= bytes.size(); ++cut) {
        EXPECT_EQ(split(bytes, cut), expected) << "cut after " << cut;
    }
}

TEST(FrameSplitter, one_byte_at_a_time_gives_the_same_streams) {
    const std::string bytes =
        "a\x1e"
        "0100002bcd\x1e"
        "020fff";
    Streams streams;
    images::FrameSplitter splitter{
        [&](std::optional<UartStream> from, std::string_view piece) { streams[from] += piece; }};
    for (const char c : bytes) {
        splitter.feed({&c, 1});
    }
    EXPECT_EQ(streams, (Streams{{std::nullopt, "ad"}, {UartStream{0x01, 0}, "bc"}}));
    EXPECT_TRUE(splitter.is_within_frame());
}

TEST(FrameSplitter, a_malformed_header_is_text_outside_of_frames) {
    // Upper case, no digit, and a frame start inside of a header that then is a good frame.
    const std::string bytes =
        "\x1e"
        "0A0001x\x1e"
        "g\x1e"
        "01\x1e"
        "0200001y";
    Streams streams;
    images::FrameSplitter splitter{
        [&](std::optional<UartStream> from, std::string_view piece) { streams[from] += piece; }};
    splitter.feed(bytes);
    EXPECT_EQ(streams[std::nullopt],
              "\x1e"
              "0A0001x\x1e"
              "g\x1e"
              "01");
    EXPECT_EQ((streams[UartStream{0x02, 0}]), "y");
    EXPECT_EQ(splitter.malformed_count(), 3U);
    EXPECT_FALSE(splitter.is_within_frame());
}

TEST(FrameSplitter, the_largest_payload_is_passed_whole) {
    const std::string payload(hv::abi::uart_frame_max_payload, '\x1e');
    const Streams streams = split(
        "\x1e"
        "ef0ffff" +
            payload + "after",
        60000);
    EXPECT_EQ((streams.at(UartStream{0xef, 0})), payload);
    EXPECT_EQ(streams.at(std::nullopt), "after");
}

}  // namespace
