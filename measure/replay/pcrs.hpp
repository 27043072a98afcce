// SPDX-License-Identifier: Apache-2.0
// PCR values on the host: extension in software, and the text form of evidence/pcrs, which has one
// line `bank index hex` per value.
#pragma once

#include "measure/replay/reference.hpp"

#include <string>
#include <string_view>

namespace measure {

// Extends a PCR that starts at zero in every bank of `digests`: PCR 0 to 15 after start-up, and the
// mirror PCR, which the hypervisor resets first.
void extend_pcr(PcrValues& pcrs, hv::PcrIndex pcr, const DigestSet& digests);

std::string pcrs_to_text(const PcrValues& pcrs);
// Refuses unknown banks, PCRs that do not exist, wrong lengths and repeated lines. The error is one
// line for people.
hv::Result<PcrValues, std::string> pcrs_from_text(std::string_view text);

}  // namespace measure
