// SPDX-License-Identifier: Apache-2.0
#include "measure/replay/replay.hpp"

#include "measure/replay/pcrs.hpp"

#include <algorithm>
#include <optional>
#include <string_view>

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

// The locality at which the TPM was started, if this is the event that says so, [tcg-pfp] 10.4.5.3.
std::optional<std::byte> startup_locality(const RawEvent& event) {
    constexpr std::string_view signature{"StartupLocality\0", 16};
    const auto expected = std::as_bytes(std::span{signature});
    const auto& data = event.claimed_data;
    if (event.pcr.value() != 0 || data.size() != expected.size() + 1 ||
        !std::equal(expected.begin(), expected.end(), data.begin())) {
        return std::nullopt;
    }
    return data.back();
}

// PCR 0 starts as that locality; the others, and PCR 0 without such an event, as zero.
void start_pcr_0(PcrValues& pcrs, BankSet banks, std::byte locality) {
    DigestSet value;
    for (const Algorithm a : all_algorithms) {
        if (banks.has(a)) {
            std::vector<std::byte> bytes(digest_bytes(a));
            bytes.back() = locality;
            value.set(a, bytes);
        }
    }
    pcrs.emplace(hv::PcrIndex{0}, value);  // unless it has been extended
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
        if (event.claimed_type != EventType::EV_NO_ACTION) {
            extend_pcr(pcrs, event.pcr, event.digests);
        } else if (const auto locality = startup_locality(event)) {  // never extended, 10.4.5
            start_pcr_0(pcrs, banks_, *locality);
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
