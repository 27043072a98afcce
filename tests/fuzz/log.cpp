// SPDX-License-Identifier: Apache-2.0
// The event log's parser, and all that is done with what it accepts: replay, comparison with
// reference values, and both texts.
#include "measure/replay/report.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace {

using namespace measure;

void require(bool condition, const char* what) {
    if (!condition) {
        std::fprintf(stderr, "log: %s\n", what);
        std::abort();
    }
}

bool is_text(const std::string& text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return c == '\n' || (c >= 0x20 && c <= 0x7e); });
}

// A launch of one event.
ReferenceValues reference() {
    ReferenceValues values;
    values.banks = all_banks;
    values.text_pcr = hv::PcrIndex{12};
    values.blobs_pcr = hv::PcrIndex{13};
    values.mirror_pcr = hv::PcrIndex{21};
    values.domains = {"web"};
    ReferenceEvent event;
    event.index = 1;
    event.pcr = values.text_pcr;
    event.type = EventType::EV_IPL;
    event.subject = Subject::Configuration;
    event.domain = "web";
    for (const char c : std::string_view{"domain web\ncmdline quiet\n"}) {
        event.data.push_back(static_cast<std::byte>(c));
    }
    event.digests = hash(all_banks, event.data);
    values.events.push_back(event);
    return values;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const auto bytes = std::as_bytes(std::span{data, size});
    const LogExtent extent = log_extent(bytes);
    require(extent.bytes <= size, "the extent is beyond the area");
    const auto log = RawLog::parse(bytes);
    require(log.ok() == (extent.records != 0 && extent.bytes == size),
            "the parser and the extent disagree");
    if (!log.ok()) {
        require(log.error().offset <= size, "an error beyond the log");
        return 0;
    }
    require(log.value().events().size() + 1 == extent.records, "events are lost");
    const PcrValues totals = log.value().totals();
    require(std::holds_alternative<ReplayedLog>(replay(log.value(), totals)),
            "a log does not replay to its own totals");
    static const ReferenceValues expected = reference();
    const Verdict verdict = verify(log.value(), totals, expected);
    require(!verdict.matches(), "a log without its cap matches");
    require(is_text(verdict_to_text(verdict)) && is_text(verdict_to_json(verdict)) &&
                is_text(log_to_text(log.value())) && is_text(log_to_json(log.value())),
            "unprintable output");
    return 0;
}
