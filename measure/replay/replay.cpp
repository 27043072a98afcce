// SPDX-License-Identifier: Apache-2.0
#include "measure/replay/replay.hpp"

#include "measure/replay/pcrs.hpp"

namespace measure {
namespace {

std::vector<std::byte> value_in(const PcrValues& pcrs, hv::PcrIndex pcr, Algorithm bank) {
    const auto found = pcrs.find(pcr);
    if (found == pcrs.end() || !found->second.banks().has(bank)) {
        return {};
    }
    const auto value = found->second.get(bank);
    return {value.begin(), value.end()};
}

}  // namespace

hv::Result<RawLog, LogParseError> RawLog::parse(std::span<const std::byte> bytes) {
    LogReader reader = TRY(LogReader::open(bytes));
    RawLog log;
    log.banks_ = reader.banks();
    log.bytes_.assign(bytes.begin(), bytes.end());
    while (!reader.at_end()) {
        const LogRecord record = TRY(reader.next());
        RawEvent& event = log.events_.emplace_back();
        event.index = record.index;
        event.pcr = record.pcr;
        event.claimed_type = record.type;
        event.digests = record.digests;
        event.claimed_data.assign(record.data.begin(), record.data.end());
        event.data_is_covered = hash(log.banks_, record.data) == record.digests;
    }
    return log;
}

PcrValues RawLog::totals() const {
    PcrValues pcrs;
    for (const RawEvent& event : events_) {
        if (event.claimed_type != EventType::EV_NO_ACTION) {  // never extended, [tcg-pfp] 10.4.5
            extend_pcr(pcrs, event.pcr, event.digests);
        }
    }
    return pcrs;
}

std::variant<ReplayedLog, std::vector<PcrMismatch>> replay(RawLog log, const PcrValues& reported) {
    const PcrValues totals = log.totals();
    std::vector<PcrMismatch> mismatches;
    for (const auto& [pcr, total] : totals) {
        for (const Algorithm a : all_algorithms) {
            PcrMismatch m{a, pcr, value_in(totals, pcr, a), value_in(reported, pcr, a)};
            if (m.replayed != m.reported) {
                mismatches.push_back(std::move(m));
            }
        }
    }
    if (!mismatches.empty()) {
        return mismatches;
    }
    return ReplayedLog{std::move(log), totals};
}

}  // namespace measure
