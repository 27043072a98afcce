// SPDX-License-Identifier: Apache-2.0
// Fuzz entry: everything that reads the UART. What the streams say must not depend on how the bytes
// were cut, and nothing unprintable may reach a terminal.
#include "images/console/transcript.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct Result : images::TranscriptListener, images::ConsolePeer {
    void on_bytes(std::string_view stream, std::string_view bytes) override {
        raw[std::string{stream}] += bytes;
    }
    void on_line(std::string_view stream, std::string_view line) override {
        lines[std::string{stream}].push_back(images::printable(line));
        for (const char c : lines[std::string{stream}].back()) {
            if (c != '\t' && (c < 0x20 || c > 0x7e)) {
                std::abort();
            }
        }
    }
    void on_event(const images::RecordEvent& event) override { events.push_back(event.event); }
    void on_output(images::UartStream from, std::string_view bytes) override {
        output[from] += bytes;
    }
    void on_room(images::UartStream to, size_t bytes) override { room[to] += bytes; }
    bool operator==(const Result& other) const {
        return raw == other.raw && lines == other.lines && events == other.events &&
               output == other.output && room == other.room;
    }

    std::map<std::string, std::string> raw;
    std::map<std::string, std::vector<std::string>> lines;
    std::vector<std::string> events;
    std::map<images::UartStream, std::string> output;
    std::map<images::UartStream, size_t> room;
};

void read_in_pieces(std::string_view bytes, size_t piece, Result& result) {
    images::Transcript transcript{result, &result};
    while (!bytes.empty()) {
        const size_t count = std::min(piece, bytes.size());
        transcript.feed(bytes.substr(0, count));
        bytes.remove_prefix(count);
    }
    transcript.finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    // SAFETY: bytes may be read as char.
    const std::string_view bytes{reinterpret_cast<const char*>(data), size};
    Result whole;
    Result pieces;
    read_in_pieces(bytes, size + 1, whole);
    read_in_pieces(bytes, 1, pieces);
    if (!(whole == pieces)) {
        std::abort();
    }
    return 0;
}
