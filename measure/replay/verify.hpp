// SPDX-License-Identifier: Apache-2.0
// verify: does a launch's evidence match the reference values, and if not, what exactly is
// different, in the words of the manifest? Used by `gantry verify`. It judges unsigned evidence:
// whoever wrote the PCR values could have written any. measure/README.md says what follows.
#pragma once

#include "measure/replay/reference.hpp"
#include "measure/replay/replay.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace measure {

struct Difference {
    std::string domain;  // empty: about the whole launch
    std::string item;    // artefact or field, such as "initrd" or "cmdline"
    std::string path;    // JSON pointer into the manifest; may be empty
    std::string expected;
    std::string found;

    friend bool operator==(const Difference&, const Difference&) = default;
};

// `domain "web": initrd: /domains/0/initrd: expected …, found …`, printable ASCII only.
std::string to_line(const Difference& difference);

// What the evidence shows of one domain.
enum class DomainVerdict : uint8_t {
    Matches,
    Differs,   // in something of its own
    Unproven,  // nothing of its own differs, but something on which the proof of that rests
};
std::string_view to_string(DomainVerdict verdict);

struct Verdict {
    std::vector<std::string> domains;  // of the reference, in manifest order
    std::vector<Difference> differences;
    // Locality 2 was not usable, so PCR 12 and 13 stand alone: nothing shows who extended them.
    bool mirror_absent = false;

    [[nodiscard]] bool matches() const { return differences.empty(); }
    [[nodiscard]] DomainVerdict of(std::string_view domain) const;
};

Verdict verify(const RawLog& log, const PcrValues& reported, const ReferenceValues& reference);

}  // namespace measure
