// SPDX-License-Identifier: Apache-2.0
// Logs and verdicts as text for people and as JSON. All of it is printable ASCII, whatever bytes
// the log holds.
#pragma once

#include "measure/replay/verify.hpp"

#include <string>

namespace measure {

std::string log_to_text(const RawLog& log);
std::string log_to_json(const RawLog& log);

// One line per domain that matches, one per difference, and the verdict as the last line.
std::string verdict_to_text(const Verdict& verdict);
std::string verdict_to_json(const Verdict& verdict);

}  // namespace measure
