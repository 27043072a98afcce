// SPDX-License-Identifier: Apache-2.0
// Reference values: every event of a launch with its explanation, and the PCR values it leaves.
// Made by predict(), kept as reference.json, read by the verifier. Trusted input: it comes from the
// owner of the manifest.
#pragma once

#include "hv/base/address.hpp"
#include "hv/base/result.hpp"
#include "measure/tcg/digest.hpp"
#include "measure/tcg/event_type.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace measure {

// One event, and what it is about in the words of the manifest.
struct ReferenceEvent {
    size_t index = 0;  // record in the log; 0 is the Spec ID event, which is not listed
    hv::PcrIndex pcr{};
    EventType type{};
    DigestSet digests;
    std::vector<std::byte> data;
    std::string domain;    // empty: about the whole launch
    std::string artefact;  // "hypervisor", "launch.lcm", "builder", "text", "kernel", "initrd",
                           // "separator", "mirror"
    std::string path;      // JSON pointer into the manifest
    std::string source;    // the file the bytes came from
    size_t mirrors = 0;    // index of the mirrored record, for artefact "mirror"
};

using PcrValues = std::map<hv::PcrIndex, DigestSet>;

struct ReferenceValues {
    BankSet banks;
    std::vector<ReferenceEvent> events;
    PcrValues pcrs;  // the PCRs of the plan only
};

std::string to_json(const ReferenceValues& values);
// The error is one line for people.
hv::Result<ReferenceValues, std::string> reference_from_json(std::string_view json);

}  // namespace measure
