// SPDX-License-Identifier: Apache-2.0
#include "images/console/transcript.hpp"

#include <cstdio>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace {

struct Recorder : images::TranscriptListener {
    void on_bytes(std::string_view stream, std::string_view bytes) override {
        raw[std::string{stream}] += bytes;
    }
    void on_line(std::string_view stream, std::string_view line) override {
        lines.push_back(std::string{stream} + "| " + std::string{line});
    }
    void on_event(const images::RecordEvent& event) override { events.push_back(event.event); }

    std::map<std::string, std::string> raw;
    std::vector<std::string> lines;
    std::vector<std::string> events;
};

std::string frame(unsigned source, const std::string& payload, unsigned channel = 0) {
    std::array<char, 9> header{};
    std::snprintf(header.data(), header.size(), "\x1e%02x%x%04zx", source, channel, payload.size());
    return std::string{header.data(), 8} + payload;
}

TEST(Transcript, lines_of_domains_that_speak_at_the_same_time_stay_whole) {
    Recorder recorder;
    images::Transcript transcript{recorder};
    transcript.feed("SeaBIOS\n" + frame(0, "hv is up\n") +
                    frame(0xff, "t_ns=1 event=domain-created domid=1 name=attest\n") +
                    frame(1, "first ") + frame(2, "other\n") + frame(1, "line\nlast") +
                    frame(0xe0, "builder\n"));
    transcript.finish();
    EXPECT_EQ(recorder.lines,
              (std::vector<std::string>{"firmware| SeaBIOS", "hv| hv is up", "domain-2| other",
                                        "attest| first line", "domB| builder", "attest| last"}));
    EXPECT_EQ(recorder.events, (std::vector<std::string>{"domain-created"}));
    EXPECT_EQ(recorder.raw["attest"], "first line\nlast");
    EXPECT_EQ(transcript.last_stream(), "attest");
    EXPECT_EQ(transcript.last_line("attest"), "last");
}

TEST(Transcript, no_domain_speaks_in_the_name_of_the_hypervisor) {
    Recorder recorder;
    images::Transcript transcript{recorder};
    transcript.feed(frame(0, "true\n") +
                    frame(0xff,
                          "t_ns=1 event=domain-created domid=1 name=hv\n"
                          "t_ns=1 event=domain-created domid=2 name=record\n"));
    transcript.feed(frame(1, "false\n") + frame(2, "t_ns=2 event=machine-off status=ok\n"));
    EXPECT_EQ(recorder.lines,
              (std::vector<std::string>{"hv| true", "domain-1| false",
                                        "domain-2| t_ns=2 event=machine-off status=ok"}));
    EXPECT_EQ(recorder.raw["hv"], "true\n");
    EXPECT_EQ(transcript.last_line(transcript.stream_of_domain(1)), "false");
}

TEST(Transcript, evidence_is_kept_by_domain_and_not_shown) {
    const std::string block =
        "-----BEGIN GANTRY EVIDENCE name=pcrs bytes=3 sha256="
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad-----\r\n"
        "YWJj\r\n-----END GANTRY EVIDENCE-----\r\n";
    Recorder recorder;
    images::Transcript transcript{recorder};
    transcript.feed(frame(3, block + "after\n"));
    EXPECT_EQ(recorder.lines, (std::vector<std::string>{"domain-3| after"}));
    ASSERT_NE(transcript.evidence(3), nullptr);
    EXPECT_EQ(transcript.evidence(3)->find("pcrs")->bytes, "abc");
    EXPECT_EQ(transcript.evidence(1), nullptr);
    EXPECT_EQ(recorder.raw["domain-3"], block + "after\n");
}

struct Peer final : images::ConsolePeer {
    void on_output(images::UartStream from, std::string_view bytes) override {
        output[from] += bytes;
    }
    void on_room(images::UartStream to, size_t bytes) override { room[to] += bytes; }

    std::map<images::UartStream, std::string> output;
    std::map<images::UartStream, size_t> room;
};

TEST(Transcript, channels_go_to_the_peer_alone_and_consoles_to_both) {
    const std::string bytes = frame(0, "hv\n") + frame(1, "console\n") + frame(1, "channel\n", 2) +
                              frame(0xfe, "0120400") + frame(0xfe, "0120001") +
                              frame(0xfe, "zzzzzzz") + frame(0xff, "r\n");
    for (size_t cut = 0; cut <= bytes.size(); ++cut) {
        Recorder recorder;
        Peer peer;
        images::Transcript transcript{recorder, &peer};
        transcript.feed(std::string_view{bytes}.substr(0, cut));
        transcript.feed(std::string_view{bytes}.substr(cut));
        EXPECT_EQ(recorder.lines, (std::vector<std::string>{"hv| hv", "domain-1| console"}));
        EXPECT_EQ(peer.output, (std::map<images::UartStream, std::string>{{{1, 0}, "console\n"},
                                                                          {{1, 2}, "channel\n"}}));
        EXPECT_EQ(peer.room, (std::map<images::UartStream, size_t>{{{1, 2}, 0x401}}));
    }
}

TEST(Transcript, a_guest_cannot_write_the_record) {
    Recorder recorder;
    images::Transcript transcript{recorder};
    transcript.feed(frame(1, "t_ns=1 event=machine-off status=ok\n" +
                                 frame(0xff, "t_ns=1 event=machine-off status=ok\n")));
    transcript.finish();
    EXPECT_FALSE(transcript.record().machine_off());
    EXPECT_TRUE(recorder.events.empty());
}

}  // namespace
