// SPDX-License-Identifier: Apache-2.0
#include "images/console/transcript.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace images {

namespace {

constexpr auto hv_source = static_cast<uint8_t>(hv::abi::UartSource::Hypervisor);
constexpr auto record_source = static_cast<uint8_t>(hv::abi::UartSource::Record);
constexpr auto room_source = static_cast<uint8_t>(hv::abi::UartSource::Room);
constexpr auto builder_source = static_cast<uint8_t>(hv::abi::UartSource::Builder);

constexpr std::array<std::string_view, 4> own_streams{"firmware", "hv", "record", "domB"};

bool is_own(std::string_view name) {
    return std::find(own_streams.begin(), own_streams.end(), name) != own_streams.end();
}

bool is_domain(uint8_t source) {
    return source != hv_source && source < room_source;
}

}  // namespace

Transcript::Transcript(TranscriptListener& listener, ConsolePeer* peer)
    : listener_{listener},
      peer_{peer},
      splitter_{
          [this](std::optional<UartStream> from, std::string_view bytes) { take(from, bytes); }} {}

void Transcript::feed(std::string_view bytes) {
    splitter_.feed(bytes);
}

void Transcript::finish() {
    for (auto& [source, stream] : streams_) {
        stream.lines.finish();
    }
}

void Transcript::take(std::optional<UartStream> from, std::string_view bytes) {
    if (from && from->source == room_source) {
        take_room(bytes);
        return;
    }
    if (from && peer_ != nullptr && is_domain(from->source)) {
        peer_->on_output(*from, bytes);
    }
    if (from && from->channel != 0) {
        return;
    }
    Stream& stream = stream_of(from ? std::optional{from->source} : std::nullopt);
    listener_.on_bytes(stream.name, bytes);
    stream.lines.feed(bytes);
}

// Only hv writes this; what does not have the form is dropped all the same.
void Transcript::take_room(std::string_view bytes) {
    room_ += bytes;
    while (room_.size() >= hv::abi::uart_room_bytes) {
        const std::string text = room_.substr(0, hv::abi::uart_room_bytes);
        room_.erase(0, hv::abi::uart_room_bytes);
        uint32_t number = 0;
        const char* const end = text.data() + text.size();
        const auto parsed = std::from_chars(text.data(), end, number, 16);
        if (parsed.ec == std::errc{} && parsed.ptr == end && peer_ != nullptr) {
            peer_->on_room({.source = static_cast<uint8_t>(number >> 20),
                            .channel = static_cast<uint8_t>(number >> 16 & 0xf)},
                           number & 0xffff);
        }
    }
}

void Transcript::take_line(Stream& stream, bool is_record, std::string_view line) {
    if (is_record) {
        if (const auto event = record_.add(line)) {
            listener_.on_event(*event);
        }
        return;
    }
    if (stream.evidence.add_line(line)) {
        return;
    }
    if (!line.empty()) {
        stream.last_line = line;
        last_stream_ = stream.name;
    }
    listener_.on_line(stream.name, line);
}

Transcript::Stream& Transcript::stream_of(std::optional<uint8_t> source) {
    const auto found = streams_.find(source);
    if (found != streams_.end()) {
        return found->second;
    }
    const bool is_record = source == record_source;
    // The sink finds its stream again by source: the map's nodes never move, but this one does not
    // exist yet.
    LineSplitter lines{[this, source, is_record](std::string_view line) {
        take_line(streams_.at(source), is_record, line);
    }};
    return streams_.try_emplace(source, Stream{.name = name_of(source), .lines = std::move(lines)})
        .first->second;
}

std::string Transcript::name_of(std::optional<uint8_t> source) const {
    if (!source) {
        return "firmware";
    }
    if (*source == hv_source) {
        return "hv";
    }
    if (*source == record_source) {
        return "record";
    }
    const DomainRecord* const domain = record_.find_source(*source);
    if (domain != nullptr && !is_own(domain->name)) {
        return domain->name;
    }
    return *source == builder_source ? "domB" : "domain-" + std::to_string(*source);
}

const EvidenceExtractor* Transcript::evidence(uint16_t domid) const {
    const auto found = streams_.find(static_cast<uint8_t>(domid & 0xff));
    return found == streams_.end() ? nullptr : &found->second.evidence;
}

std::string Transcript::stream_of_domain(uint16_t domid) const {
    return name_of(static_cast<uint8_t>(domid & 0xff));
}

std::string Transcript::last_line(std::string_view stream) const {
    for (const auto& [source, candidate] : streams_) {
        if (candidate.name == stream) {
            return candidate.last_line;
        }
    }
    return {};
}

}  // namespace images
