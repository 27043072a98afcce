// SPDX-License-Identifier: Apache-2.0
// Small logs for the tests of this folder.
#pragma once

#include "measure/tcg/log.hpp"

#include <string_view>
#include <vector>

namespace measure {

inline BankSet bank(Algorithm a) {
    BankSet banks;
    banks.add(a);
    return banks;
}

inline hv::Result<void, LogError> append(LogWriter& log, uint32_t pcr, EventType type,
                                         std::string_view data,
                                         BankSet banks = bank(Algorithm::Sha256)) {
    const DigestSet digests = hash(banks, data);
    return log.append(
        {hv::PcrIndex{pcr}, type, digests, std::as_bytes(std::span{data.data(), data.size()})});
}

// Header and three events in two banks; false when it did not fit.
inline bool write_sample(LogWriter& log) {
    BankSet banks = bank(Algorithm::Sha1);
    banks.add(Algorithm::Sha256);
    return log.start(banks).ok() && append(log, 12, EventType::EV_IPL, "first", banks).ok() &&
           append(log, 13, EventType::EV_EVENT_TAG, "second", banks).ok() &&
           append(log, 12, EventType::EV_SEPARATOR, std::string_view{"\0\0\0\0", 4}, banks).ok();
}

inline std::vector<std::byte> sample_log() {
    std::vector<std::byte> area(2000);
    LogWriter log{area};
    write_sample(log);
    area.resize(log.used());
    return area;
}

}  // namespace measure
