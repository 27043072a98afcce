// SPDX-License-Identifier: Apache-2.0
// Evidence for the verifier's tests: what a machine logged and extended, honestly or not, and the
// lines that verify() has for it.
#pragma once

#include "hv/base/text.hpp"
#include "measure/replay/pcrs.hpp"
#include "measure/replay/verify.hpp"
#include "tests/unit/measure/log_bytes.hpp"
#include "tests/unit/measure/sample_launch.hpp"

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace measure {

using Events = std::vector<ReferenceEvent>;

// Evidence of a machine that logged and extended these events.
struct Evidence {
    std::vector<std::byte> log;
    PcrValues pcrs;
};

inline Evidence evidence_of(const ReferenceValues& values, BankSet banks) {
    Evidence evidence{to_log(values, banks), {}};
    for (const ReferenceEvent& e : values.events) {
        if (e.type != EventType::EV_NO_ACTION) {
            extend_pcr(evidence.pcrs, e.pcr, e.digests.only(banks));
        }
    }
    return evidence;
}

inline std::vector<std::string> lines_of(const Evidence& evidence,
                                         const ReferenceValues& reference) {
    const auto log = RawLog::parse(evidence.log);
    EXPECT_TRUE(log.ok());
    std::vector<std::string> lines;
    for (const Difference& d : verify(log.value(), evidence.pcrs, reference).differences) {
        lines.push_back(to_line(d));
    }
    return lines;
}

inline BankSet two_banks() {
    BankSet banks = bank(Algorithm::Sha1);
    banks.add(Algorithm::Sha256);
    return banks;
}

// A machine that honestly logs and extends something else than the reference says.
inline std::vector<std::string> lines_after(const std::function<void(SampleLaunch&)>& change) {
    SampleLaunch launch;
    const ReferenceValues reference = launch.predict();
    change(launch);
    return lines_of(evidence_of(launch.predict(), two_banks()), reference);
}

// The same, by changing the events themselves.
inline std::vector<std::string> lines_after_events(const std::function<void(Events&)>& change) {
    ReferenceValues values = SampleLaunch{}.predict();
    const ReferenceValues reference = values;
    change(values.events);
    return lines_of(evidence_of(values, two_banks()), reference);
}

// A log that says something else than what was extended.
inline std::vector<std::string> lines_after_forging(const std::function<void(Events&)>& change) {
    ReferenceValues values = SampleLaunch{}.predict();
    Evidence evidence = evidence_of(values, two_banks());
    change(values.events);
    evidence.log = to_log(values, two_banks());
    return lines_of(evidence, SampleLaunch{}.predict());
}

inline std::string sha256_of(std::string_view text) {
    const DigestSet digests = hash(bank(Algorithm::Sha256), text);
    hv::TextOf<64> hex;
    hex.hex(digests.get(Algorithm::Sha256));
    return std::string{hex.view()};
}

inline ReferenceEvent& event(Events& events, Subject subject, size_t skip = 0) {
    for (ReferenceEvent& e : events) {
        if (e.subject == subject && skip-- == 0) {
            return e;
        }
    }
    throw std::runtime_error{"no such event"};
}

inline bool has_line(const std::vector<std::string>& lines, std::string_view start) {
    return std::any_of(lines.begin(), lines.end(),
                       [&](const std::string& line) { return line.starts_with(start); });
}

}  // namespace measure
