// SPDX-License-Identifier: Apache-2.0
// Digests and PCR values as JSON, in the same form in every file of ours. Only for the sources of
// this folder that write JSON.
#pragma once

#include "measure/replay/reference.hpp"

#include <nlohmann/json.hpp>

namespace measure {

// {"sha1": hex, "sha256": hex, …}
nlohmann::ordered_json digests_json(const DigestSet& digests);
// [{"pcr": number, "digests": {…}}, …]
nlohmann::ordered_json pcrs_json(const PcrValues& pcrs);
// ["sha1", "sha256", …]
nlohmann::ordered_json banks_json(BankSet banks);

}  // namespace measure
