// SPDX-License-Identifier: Apache-2.0
// LogReader: bounded parse of a TCG crypto-agile event log, [tcg-pfp] 10.2. Records are views into
// the caller's bytes. A malformed log ends with an error that says where; a caller that wants all
// or nothing reads to the end before it uses anything (measure/replay does).
#pragma once

#include "hv/base/reader.hpp"
#include "measure/tcg/digest.hpp"
#include "measure/tcg/event_type.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace measure {

// All of them: reject the log.
enum class LogFault : uint8_t {
    Truncated,         // ends within a record
    BadSpecId,         // the first record is not a well-formed Spec ID event of version 2.0
    UnknownAlgorithm,  // the header or an event names an algorithm or size we do not know
    RepeatedAlgorithm,
    WrongBanks,  // an event's digests are not exactly the banks of the header
    BadPcr,      // a PCR number a PC Client TPM does not have
    SecondSpecId,
};

struct LogParseError {
    LogFault fault{};
    size_t offset = 0;  // of the record that is malformed
};

std::string_view to_text(LogFault fault);

struct LogRecord {
    size_t index = 0;   // 0 is the Spec ID event
    size_t offset = 0;  // in the log
    hv::PcrIndex pcr{};
    EventType type{};
    DigestSet digests;
    std::span<const std::byte> data;
};

class LogReader {
  public:
    // Parses the header.
    static hv::Result<LogReader, LogParseError> open(std::span<const std::byte> log);

    [[nodiscard]] BankSet banks() const { return banks_; }
    [[nodiscard]] bool at_end() const { return rest_.at_end(); }
    // Where the next record starts.
    [[nodiscard]] size_t offset() const { return size_ - rest_.left(); }
    // Its index.
    [[nodiscard]] size_t next_index() const { return next_index_; }
    // Only while !at_end(). A failed read changes nothing.
    hv::Result<LogRecord, LogParseError> next();

  private:
    LogReader(std::span<const std::byte> log) : rest_{log}, size_{log.size()} {}

    hv::Reader rest_;
    size_t size_;
    size_t next_index_ = 1;
    BankSet banks_;
};

// How far an area holds well-formed records: what is behind them is zero-filled or damaged.
struct LogExtent {
    size_t records = 0;  // including the Spec ID event; 0 when there is no valid header
    size_t bytes = 0;
};
LogExtent log_extent(std::span<const std::byte> area);

}  // namespace measure
