// SPDX-License-Identifier: Apache-2.0
// Replay of an event log. RawLog is what somebody claims happened; replay() checks it against PCR
// values and gives a ReplayedLog, whose digests and order are as trustworthy as those values. What
// the digests do not cover stays a claim and is named so.
#pragma once

#include "measure/replay/reference.hpp"
#include "measure/tcg/log_reader.hpp"

#include <span>
#include <string>
#include <variant>
#include <vector>

namespace measure {

struct RawEvent {
    size_t index = 0;  // record in the log
    hv::PcrIndex pcr{};
    EventType claimed_type{};
    DigestSet digests;
    std::vector<std::byte> claimed_data;
    bool data_is_covered = false;  // every digest is the hash of the data
};

// A log that is well-formed to its last byte; nothing more is known about it.
class RawLog {
  public:
    static hv::Result<RawLog, LogParseError> parse(std::span<const std::byte> bytes);

    [[nodiscard]] BankSet banks() const { return banks_; }
    [[nodiscard]] const std::vector<RawEvent>& events() const { return events_; }
    [[nodiscard]] const std::vector<std::byte>& bytes() const { return bytes_; }
    // PCR values that its events add up to.
    [[nodiscard]] PcrValues totals() const;

  private:
    RawLog() = default;
    BankSet banks_;
    std::vector<RawEvent> events_;
    std::vector<std::byte> bytes_;
};

// A PCR whose reported value is not what the log adds up to. One side is missing: empty.
struct PcrMismatch {
    Algorithm bank{};
    hv::PcrIndex pcr{};
    std::vector<std::byte> replayed;
    std::vector<std::byte> reported;
};

class ReplayedLog {
  public:
    [[nodiscard]] const RawLog& log() const { return log_; }
    [[nodiscard]] const PcrValues& pcrs() const { return pcrs_; }

  private:
    friend std::variant<ReplayedLog, std::vector<PcrMismatch>> replay(RawLog, const PcrValues&);
    ReplayedLog(RawLog log, PcrValues pcrs) : log_{std::move(log)}, pcrs_{std::move(pcrs)} {}
    RawLog log_;
    PcrValues pcrs_;
};

// Every PCR the log extends must be reported in exactly the log's banks, with the replayed value.
// PCRs that the log does not name are not looked at.
std::variant<ReplayedLog, std::vector<PcrMismatch>> replay(RawLog log, const PcrValues& reported);

}  // namespace measure
