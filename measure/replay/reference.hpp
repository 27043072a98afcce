// SPDX-License-Identifier: Apache-2.0
// Reference values: every event of a launch with its explanation, and the PCR values it leaves.
// Made by predict(), kept as reference.json, read by the verifier. Trusted input: it comes from the
// owner of the manifest.
#pragma once

#include "hv/base/address.hpp"
#include "hv/base/result.hpp"
#include "measure/tcg/digest.hpp"
#include "measure/tcg/event_type.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace measure {

// What an event is about.
enum class Subject : uint8_t {
    Hypervisor,     // text of the hypervisor's own configuration
    Lcm,            // the launch control module, whole
    Builder,        // domB's image
    Configuration,  // a domain's canonical text
    Kernel,
    Initrd,
    Mirror,  // repeats another event in the mirror PCR
    Cap,     // separator
};
std::string_view to_string(Subject subject);

// One event, and what it is about in the words of the manifest.
struct ReferenceEvent {
    size_t index = 0;  // record in the log; 0 is the Spec ID event, which is not listed
    hv::PcrIndex pcr{};
    EventType type{};
    DigestSet digests;
    std::vector<std::byte> data;
    Subject subject{};
    std::string domain;  // empty: about the whole launch
    std::string path;    // JSON pointer into the manifest; empty when it is not about one place
    std::string source;  // the file the bytes came from
};

// Values of PCRs in one or more banks.
using PcrValues = std::map<hv::PcrIndex, DigestSet>;

struct ReferenceValues {
    BankSet banks;
    bool mirror = true;  // the events are mirrored
    hv::PcrIndex text_pcr{};
    hv::PcrIndex blobs_pcr{};
    hv::PcrIndex mirror_pcr{};
    std::vector<std::string> domains;  // names in manifest order
    std::vector<ReferenceEvent> events;
    PcrValues pcrs;  // of the plan's PCRs
};

// Why these cannot be the values of a launch, if so: a domain without events, a PCR that is not
// capped or not the sum of its events. Values that demand nothing would match everything.
std::optional<std::string> find_fault(const ReferenceValues& values);

// The same launch on a machine whose TPM does not offer locality 2: without the mirror and its
// separator, everything else as it was.
ReferenceValues without_mirror(const ReferenceValues& values);

// The log these reference values foretell for a TPM with these banks, byte for byte.
std::vector<std::byte> to_log(const ReferenceValues& values, BankSet banks);

// The form of reference.json; the same values always give the same bytes.
std::string to_json(const ReferenceValues& values);
// The error is one line for people.
hv::Result<ReferenceValues, std::string> reference_from_json(std::string_view json);

}  // namespace measure
