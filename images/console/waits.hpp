// SPDX-License-Identifier: Apache-2.0
// Who waited for whom, from when to when: what the launch record says about domains that another
// one's readiness holds back. For the report of `gantry boot`.
#pragma once

#include "images/console/launch_record.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace images {

struct Awaited {
    std::string name;
    std::string when{};  // what made it ready, such as "serving"; empty if nothing did
    bool failed = false;
    std::optional<uint64_t> at_ns{};  // when it was ready, or had failed
};

struct Wait {
    uint16_t domid = 0;
    std::string name;
    uint64_t from_ns = 0;
    std::optional<uint64_t> until_ns{};  // its start; nothing if it never started
    std::vector<Awaited> awaited{};
};

// In the order of the record.
std::vector<Wait> find_waits(const LaunchRecord& record);

// "2.1 s (1.000 s to 3.100 s) for storage (serving), net (failed)"
std::string to_text(const Wait& wait);

}  // namespace images
