// SPDX-License-Identifier: Apache-2.0
#include "measure/replay/digests_json.hpp"

#include "measure/replay/hex.hpp"

#include <string>

namespace measure {

using Json = nlohmann::ordered_json;

Json digests_json(const DigestSet& digests) {
    Json json = Json::object();
    for (const Algorithm a : all_algorithms) {
        if (digests.banks().has(a)) {
            json[std::string{to_name(a)}] = to_hex(digests.get(a));
        }
    }
    return json;
}

Json pcrs_json(const PcrValues& pcrs) {
    Json json = Json::array();
    for (const auto& [pcr, value] : pcrs) {
        Json entry;
        entry["pcr"] = pcr.value();
        entry["digests"] = digests_json(value);
        json.push_back(std::move(entry));
    }
    return json;
}

Json banks_json(BankSet banks) {
    Json json = Json::array();
    for (const Algorithm a : all_algorithms) {
        if (banks.has(a)) {
            json.push_back(to_name(a));
        }
    }
    return json;
}

}  // namespace measure
