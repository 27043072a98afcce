// SPDX-License-Identifier: Apache-2.0
// LogWriter appends events to a TCG crypto-agile event log in a fixed area, [tcg-pfp] 10.2. hv
// starts the log, domB appends to it, the predictor writes the same bytes on the host. An event
// that does not fit is an error and changes nothing.
#pragma once

#include "hv/base/result.hpp"
#include "measure/tcg/digest.hpp"
#include "measure/tcg/event_type.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace measure {

enum class LogError : uint8_t {
    NoSpace,  // the area is too small: give up measuring, this is a mistake in its sizing
};

// One event before it is written. `digests` has exactly the banks of the log.
struct Event {
    hv::PcrIndex pcr;
    EventType type;
    const DigestSet& digests;
    std::span<const std::byte> data;
};

// Bytes that the header and one event take.
[[nodiscard]] constexpr size_t log_header_bytes(BankSet banks) {
    return 32 + 16 + 4 + 4 + 4 + 4 * banks.count() + 1;
}
[[nodiscard]] constexpr size_t log_event_bytes(BankSet banks, size_t data_bytes) {
    size_t n = 4 + 4 + 4 + 4 + data_bytes;
    for (const Algorithm a : all_algorithms) {
        n += banks.has(a) ? 2 + digest_bytes(a) : 0;
    }
    return n;
}
// Unused at the end of every log area: Linux drops an event that ends exactly there.
inline constexpr size_t log_spare_bytes = 1;

class LogWriter {
  public:
    // Continues a log of which `used` bytes are written; 0 for a new one.
    explicit LogWriter(std::span<std::byte> area, size_t used = 0);

    // Writes the Spec ID event. Only at the start of an empty log.
    hv::Result<void, LogError> start(BankSet banks);
    hv::Result<void, LogError> append(const Event& event);

    [[nodiscard]] size_t used() const { return used_; }
    [[nodiscard]] std::span<const std::byte> bytes() const { return area_.first(used_); }

  private:
    [[nodiscard]] bool fits(size_t n) const;

    std::span<std::byte> area_;
    size_t used_;
};

}  // namespace measure
